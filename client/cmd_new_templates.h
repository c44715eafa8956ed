/* What `muster new` writes: the files of a new plug-in, with @NAME@ where its name goes. */
#ifndef CLIENT_CMD_NEW_TEMPLATES_H
#define CLIENT_CMD_NEW_TEMPLATES_H

#include "core/text.h"

struct ms_new_file {
    const char *name;
    const char *text;
};

/* How a CMakeLists.txt of any of them begins: it finds the installed muster. */
#define MS_NEW_CMAKE_BEGINNING                                                                     \
    "cmake_minimum_required(VERSION 3.16)\n"                                                       \
    "project(@NAME@ C)\n"                                                                          \
    "\n"                                                                                           \
    "# The installed muster: found by its CMake package (-DCMAKE_PREFIX_PATH=... when it is in "   \
    "an unusual place), else by\n"                                                                 \
    "# pkg-config (PKG_CONFIG_PATH=...).\n"                                                        \
    "find_package(muster QUIET)\n"                                                                 \
    "if(NOT muster_FOUND)\n"                                                                       \
    "    find_package(PkgConfig REQUIRED)\n"                                                       \
    "    pkg_check_modules(muster REQUIRED muster)\n"                                              \
    "    pkg_get_variable(muster_BIN_DIR muster bindir)\n"                                         \
    "    pkg_get_variable(muster_SBIN_DIR muster sbindir)\n"                                       \
    "    add_library(muster::handler INTERFACE IMPORTED)\n"                                        \
    "    set_target_properties(muster::handler PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "          \
    "\"${muster_INCLUDE_DIRS}\")\n"                                                                \
    "endif()\n"                                                                                    \
    "\n"

/* Ended by a file without a name. */
extern const struct ms_new_file ms_new_handler_files[];
extern const struct ms_new_file ms_new_service_files[];

/* A word of letters, digits and '_' that does not begin with a digit, at most MS_NAME_MAX long: good
 * for a handler, a file and a target alike. False with the complaint. */
bool ms_new_check_name(const char *name, struct ms_complaint *complaint);

/* Adds the pattern to text with every @NAME@ replaced. */
void ms_new_expand(struct ms_text *text, const char *pattern, const char *name);

#endif
