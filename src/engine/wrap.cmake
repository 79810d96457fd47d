# Functions of WAMR and LLVM that src/engine replaces from outside, by the linker's --wrap: calls to NAME from another file go to
# __wrap_NAME (ours), which may call __real_NAME.
set(CANONJIT_WRAPPED)
