# SPDX-License-Identifier: MIT OR Apache-2.0
# Run as a script: writes the man pages and completions that the program makes from its own tables.
# Usage: cmake -D PROGRAM=... -D DIRECTORY=... -P Generated.cmake
function(write file)
    execute_process(COMMAND ${PROGRAM} help ${ARGN} OUTPUT_FILE ${DIRECTORY}/${file}
        COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${DIRECTORY})
file(MAKE_DIRECTORY ${DIRECTORY}/man1 ${DIRECTORY}/bash ${DIRECTORY}/zsh ${DIRECTORY}/fish)
write(man1/tesser-journal.1 man)
execute_process(COMMAND ${PROGRAM} help commands OUTPUT_VARIABLE names
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" names "${names}")
foreach(name ${names})
    string(REPLACE " " "-" page ${name})
    string(REPLACE " " ";" words ${name})
    write(man1/tesser-journal-${page}.1 man ${words})
endforeach()
write(bash/tesser-journal completion bash)
write(zsh/_tesser-journal completion zsh)
write(fish/tesser-journal.fish completion fish)
