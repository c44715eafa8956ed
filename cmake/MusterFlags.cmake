# The compiler's side of the style guide: one language level, one list of warnings, for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

# A command passes through small functions of every folder, so calls are inlined across them: a sixth
# of the master's time. Fat objects keep libmuster.a usable for any linker; clang has none.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-flto=auto -ffat-lto-objects)
    add_link_options(-flto=auto -O2)
endif()

add_library(ms_flags INTERFACE)
target_compile_options(ms_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    -Wstrict-prototypes -Wmissing-prototypes)
if(MS_WERROR)
    target_compile_options(ms_flags INTERFACE -Werror)
endif()
target_include_directories(ms_flags INTERFACE "${PROJECT_SOURCE_DIR}")

# Instrumentation holds for generated code too, so it is global.
if(MS_SANITIZE)
    add_compile_options(-fsanitize=${MS_SANITIZE} -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${MS_SANITIZE})
    if(MS_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()
if(MS_COVERAGE)
    add_compile_options(--coverage -O0 -g)
    add_link_options(--coverage)
endif()
if(MS_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "MS_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
