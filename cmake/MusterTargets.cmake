# ms_add_folder_library(NAME SOURCES... ) makes the static library of one folder. A folder that has no
# source yet gets an empty one, so that configuring never depends on what is already written.
function(ms_add_folder_library name)
    set(sources ${ARGN})
    if(NOT sources)
        set(empty "${PROJECT_BINARY_DIR}/generated/empty/${name}.c")
        if(NOT EXISTS "${empty}")
            file(WRITE "${empty}" "typedef int ms_empty_translation_unit;\n")
        endif()
        set(sources "${empty}")
    endif()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ms_flags)
endfunction()

# Only code that talks to the system sees its extensions; pure code keeps to C11. The value is empty so
# that a file may repeat the definition.
function(ms_allow_system name)
    target_compile_definitions(${name} PRIVATE "_GNU_SOURCE=")
endfunction()

# ms_add_program(NAME SOURCES...) puts a program where its siblings find it: build/<preset>/bin.
function(ms_add_program name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE ms_flags)
    ms_allow_system(${name})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()

# ms_generate_protobuf(OUT_VARIABLE FOLDER FILES...) turns FOLDER/x.proto into generated/FOLDER/x.pb-c.[ch],
# included as "FOLDER/x.pb-c.h". Generated code is not held to our warnings.
set(MS_GENERATED_DIR "${PROJECT_BINARY_DIR}/generated")
function(ms_generate_protobuf out folder)
    set(generated "")
    file(MAKE_DIRECTORY "${MS_GENERATED_DIR}/${folder}")
    foreach(file IN LISTS ARGN)
        get_filename_component(stem "${file}" NAME_WE)
        set(base "${MS_GENERATED_DIR}/${folder}/${stem}.pb-c")
        add_custom_command(
            OUTPUT "${base}.c" "${base}.h"
            COMMAND "${PROTOC_C}" "--proto_path=${PROJECT_SOURCE_DIR}" "--c_out=${MS_GENERATED_DIR}"
                "${folder}/${stem}.proto"
            DEPENDS "${file}"
            WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
            COMMENT "Generating ${folder}/${stem}.pb-c.[ch]"
            VERBATIM)
        set_source_files_properties("${base}.c" PROPERTIES COMPILE_OPTIONS "-w")
        list(APPEND generated "${base}.c" "${base}.h")
    endforeach()
    set(${out} ${generated} PARENT_SCOPE)
endfunction()
