# What users link: libmuster.so.0 and libmuster.a, made of the very objects the programs are made of.
set(muster_parts ms_core ms_proto ms_io ms_client ms_client_api)
set(muster_objects "")
foreach(part IN LISTS muster_parts)
    list(APPEND muster_objects $<TARGET_OBJECTS:${part}>)
endforeach()

# Exactly the functions declared in the public headers are exported, so the list cannot go stale.
file(GLOB client_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/client/ms_*.h")
file(GLOB handler_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/handlers/ms_*.h")
file(GLOB service_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/services/ms_*.h")
set(version_script "${MS_GENERATED_DIR}/libmuster.map")
add_custom_command(
    OUTPUT "${version_script}"
    COMMAND "${CMAKE_COMMAND}" "-DHEADERS=${client_headers}" "-DOUTPUT=${version_script}"
        -P "${PROJECT_SOURCE_DIR}/cmake/exports.cmake"
    DEPENDS ${client_headers} "${PROJECT_SOURCE_DIR}/cmake/exports.cmake"
    VERBATIM)
add_custom_target(ms_exports DEPENDS "${version_script}")

function(ms_muster_library name kind)
    add_library(${name} ${kind} ${muster_objects})
    add_dependencies(${name} ms_exports)
    set_target_properties(${name} PROPERTIES
        OUTPUT_NAME muster LINKER_LANGUAGE C
        LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib"
        ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib"
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
endfunction()

ms_muster_library(muster_shared SHARED)
target_link_options(muster_shared PRIVATE "-Wl,--version-script=${version_script}")
set_target_properties(muster_shared PROPERTIES LINK_DEPENDS "${version_script}")
target_link_libraries(muster_shared PRIVATE ms_ev PkgConfig::CONFUSE PkgConfig::PROTOBUF_C PkgConfig::DEFLATE Threads::Threads
    ${CMAKE_DL_LIBS})
ms_muster_library(muster_static STATIC)

install(TARGETS muster_shared muster_static
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES ${client_headers} ${handler_headers} ${service_headers}
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/muster")

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/muster")
configure_package_config_file(cmake/musterConfig.cmake.in "${MS_GENERATED_DIR}/musterConfig.cmake"
    INSTALL_DESTINATION "${package_dir}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_SBINDIR)
write_basic_package_version_file("${MS_GENERATED_DIR}/musterConfigVersion.cmake"
    COMPATIBILITY SameMajorVersion)
install(FILES "${MS_GENERATED_DIR}/musterConfig.cmake" "${MS_GENERATED_DIR}/musterConfigVersion.cmake"
    DESTINATION "${package_dir}")

# The prefix is worked out from where the file lies, so a DESTDIR tree or a moved one works as it is.
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/muster.pc.in "${MS_GENERATED_DIR}/muster.pc" @ONLY)
install(FILES "${MS_GENERATED_DIR}/muster.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
