/* test_interp.c: the plan interpreter against everything that a back end must do (support/boundary.c).
 */
#include "support/boundary.h"
#include "support/fake_engine.h"
#include "support/random_values.h"

int main(void)
{
    return boundary_tests("interpreter", NULL);
}
