// consumer.cpp: the same as C++.
#include "consumer.c"
