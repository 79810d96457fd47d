# The first C block of README.md must stand in examples/embed.c: cmake -DSOURCE=... -P readme.cmake

file(READ "${SOURCE}/README.md" readme)
file(READ "${SOURCE}/examples/embed.c" embed)
string(FIND "${readme}" "```c\n" start)
if(start EQUAL -1)
    message(FATAL_ERROR "README.md has no C block")
endif()
math(EXPR start "${start} + 5")
string(SUBSTRING "${readme}" ${start} -1 block)
string(FIND "${block}" "```" end)
string(SUBSTRING "${block}" 0 ${end} block)
string(STRIP "${block}" block)
string(REPLACE "\n" "\n    " block "${block}") # it is indented there
string(FIND "${embed}" "${block}" found)
if(found EQUAL -1)
    message(FATAL_ERROR "README.md shows other code than examples/embed.c:\n${block}")
endif()
