# Writes OUT, a header with a hash of all sources under SOURCE and of FLAGS: what machine code kept on disk was made by. Run at build time;
# the file is only touched when the hash changes.
cmake_policy(VERSION 3.21)
file(GLOB_RECURSE sources RELATIVE "${SOURCE}" "${SOURCE}/src/*.c" "${SOURCE}/src/*.h" "${SOURCE}/include/*.h")
list(SORT sources)
set(all "${FLAGS}")
foreach(source IN LISTS sources)
    file(SHA256 "${SOURCE}/${source}" hash)
    string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 id "${all}")
file(CONFIGURE OUTPUT "${OUT}" CONTENT "#define CJ_BUILD_ID \"@id@\"\n" @ONLY)
