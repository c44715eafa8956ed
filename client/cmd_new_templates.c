#include "client/cmd_new_templates.h"

#include <string.h>

#include "core/limits.h"

/* Lines are kept as they will stand in the file, so their length is not ours to choose. */
/* clang-format off */
const struct ms_new_file ms_new_handler_files[] = {
    {"@NAME@.c",
     "/* @NAME@: a handler for muster. It turns letters into capitals; put your own work in its place. */\n"
     "#include <ctype.h>\n"
     "\n"
     "#include <muster/ms_handler.h>\n"
     "\n"
     "#define PIECE_SIZE 4096\n"
     "\n"
     "static int run(struct ms_job *job, void *state)\n"
     "{\n"
     "    const unsigned char *payload = job->payload;\n"
     "    char piece[PIECE_SIZE];\n"
     "\n"
     "    (void)state;\n"
     "    for (size_t done = 0; done < job->payload_size;) {\n"
     "        size_t size = job->payload_size - done;\n"
     "\n"
     "        if (size > sizeof piece) {\n"
     "            size = sizeof piece;\n"
     "        }\n"
     "        for (size_t i = 0; i < size; i++) {\n"
     "            piece[i] = (char)toupper(payload[done + i]);\n"
     "        }\n"
     "        /* Any number of pieces, of any size. It says when to give up, as ms_job_cancelled does. */\n"
     "        if (ms_job_write(job, piece, size) != 0) {\n"
     "            return MS_CANCELLED;\n"
     "        }\n"
     "        done += size;\n"
     "        ms_job_progress(job, done, job->payload_size, \"bytes\");\n"
     "    }\n"
     "    /* When it goes wrong: ms_job_set_detail(job, \"why\"), and MS_RETRY or MS_FAIL. */\n"
     "    return MS_OK;\n"
     "}\n"
     "\n"
     "const struct ms_handler ms_handler_v1 = {\n"
     "    MS_HANDLER_HEADER,\n"
     "    .name = \"@NAME@\",\n"
     "    .about = \"turns letters into capitals\",\n"
     "    .run = run,\n"
     "};\n"},
    {"CMakeLists.txt",
     MS_NEW_CMAKE_BEGINNING
     "add_library(@NAME@_handler MODULE @NAME@.c)\n"
     "target_link_libraries(@NAME@_handler PRIVATE muster::handler)\n"
     "target_compile_options(@NAME@_handler PRIVATE -Wall -Wextra)\n"
     "set_target_properties(@NAME@_handler PROPERTIES\n"
     "    PREFIX \"\" OUTPUT_NAME @NAME@ C_STANDARD 11 C_VISIBILITY_PRESET hidden)\n"
     "\n"
     "include(GNUInstallDirs)\n"
     "install(TARGETS @NAME@_handler LIBRARY DESTINATION \"${CMAKE_INSTALL_LIBDIR}/muster/handlers\")\n"
     "\n"
     "# ctest builds the handler and runs it in a real slave.\n"
     "enable_testing()\n"
     "foreach(program muster muster-master muster-slave)\n"
     "    find_program(${program}_PROGRAM ${program} HINTS \"${muster_BIN_DIR}\" \"${muster_SBIN_DIR}\" REQUIRED)\n"
     "endforeach()\n"
     "add_test(NAME build COMMAND \"${CMAKE_COMMAND}\" --build \"${CMAKE_BINARY_DIR}\" --target @NAME@_handler)\n"
     "add_test(NAME @NAME@ COMMAND sh \"${CMAKE_SOURCE_DIR}/@NAME@_test.sh\" $<TARGET_FILE:@NAME@_handler>\n"
     "    \"${muster_PROGRAM}\" \"${muster-master_PROGRAM}\" \"${muster-slave_PROGRAM}\")\n"
     "set_tests_properties(build PROPERTIES FIXTURES_SETUP built)\n"
     "set_tests_properties(@NAME@ PROPERTIES FIXTURES_REQUIRED built TIMEOUT 60)\n"},
    {"@NAME@_test.sh",
     "#!/bin/sh\n"
     "# @NAME@_test.sh HANDLER.so MUSTER MUSTER-MASTER MUSTER-SLAVE\n"
     "# Starts a master and a slave with the handler, submits a command and looks at the answer.\n"
     "set -eu\n"
     "handler=$1\n"
     "muster=$2\n"
     "master=$3\n"
     "slave=$4\n"
     "work=$(mktemp -d)\n"
     "pids=\n"
     "\n"
     "clean_up() {\n"
     "    for pid in $pids; do\n"
     "        kill \"$pid\" 2>/dev/null || :\n"
     "    done\n"
     "    wait\n"
     "    rm -rf \"$work\"\n"
     "}\n"
     "trap clean_up EXIT\n"
     "trap 'exit 1' HUP INT TERM\n"
     "\n"
     "# A program writes its port file once it serves.\n"
     "await() {\n"
     "    tries=0\n"
     "    while [ ! -s \"$work/$1.port\" ]; do\n"
     "        tries=$((tries + 1))\n"
     "        if [ \"$tries\" -gt 300 ]; then\n"
     "            echo \"the $1 does not serve:\" >&2\n"
     "            cat \"$work/$1.log\" >&2\n"
     "            exit 1\n"
     "        fi\n"
     "        sleep 0.1\n"
     "    done\n"
     "}\n"
     "\n"
     "\"$master\" --listen 127.0.0.1:0 --port-file \"$work/master.port\" 2>\"$work/master.log\" &\n"
     "pids=$!\n"
     "await master\n"
     "address=$(cat \"$work/master.port\")\n"
     "\"$slave\" --handlers \"\" --handler \"$handler\" --port-file \"$work/slave.port\" \"$address\" 2>\"$work/slave.log\" &\n"
     "pids=\"$pids $!\"\n"
     "await slave\n"
     "\n"
     "printf 'hello, muster' >\"$work/in\"\n"
     "printf 'HELLO, MUSTER' >\"$work/expected\"\n"
     "\"$muster\" --master \"$address\" submit @NAME@ --in \"$work/in\" --out \"$work/out\" --wait\n"
     "cmp \"$work/expected\" \"$work/out\"\n"
     "echo \"@NAME@: ok\"\n"},
    {"README.md",
     "# @NAME@\n"
     "\n"
     "A handler for muster: a slave that loads it runs commands of the\n"
     "type `@NAME@`.\n"
     "\n"
     "    cmake -S . -B build && cmake --build build\n"
     "    ctest --test-dir build --output-on-failure\n"
     "\n"
     "The first needs muster's package, installed with `make install`. When that is not where CMake looks, say\n"
     "`-DCMAKE_PREFIX_PATH=/opt/muster`. Without CMake:\n"
     "\n"
     "    cc -std=c11 -fPIC -shared -fvisibility=hidden $(pkg-config --cflags muster) @NAME@.c -o @NAME@.so\n"
     "\n"
     "Then, with a master on this machine:\n"
     "\n"
     "    muster-slave --handler build/@NAME@.so 127.0.0.1:7400\n"
     "    muster submit @NAME@ --in FILE --out RESULT --wait\n"
     "\n"
     "The work is in `@NAME@.c`, in `run`. What a handler may do (results in pieces, progress, cancelling, deferring, state)\n"
     "stands in the header, `<muster/ms_handler.h>`.\n"},
    {NULL, NULL},
};
/* clang-format on */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool ms_new_check_name(const char *name, struct ms_complaint *complaint)
{
    const size_t size = strlen(name);

    for (size_t i = 0; i < size; i++) {
        if (!is_letter(name[i]) && (i == 0 || name[i] < '0' || name[i] > '9')) {
            return ms_complain(
                complaint, "'%s' is no name: letters, digits and '_', the first no digit", name);
        }
    }
    if (size == 0 || size > MS_NAME_MAX) {
        return ms_complain(complaint, "a name has 1 to %d letters, digits and '_'", MS_NAME_MAX);
    }
    return true;
}

void ms_new_expand(struct ms_text *text, const char *pattern, const char *name)
{
    static const char mark[] = "@NAME@";
    const char *at;

    while ((at = strstr(pattern, mark)) != NULL) {
        ms_text_add(text, "%.*s%s", (int)(at - pattern), pattern, name);
        pattern = at + sizeof mark - 1;
    }
    ms_text_add(text, "%s", pattern);
}
