# Completes commands, options and their values in fish.  The words come from the program's own tables.
function __threadleak_rows --argument-names kind
    set -l program (commandline -opc)[1]
    $program _options 2>/dev/null | string match -- "$kind"\t'*'
end

function __threadleak_commands
    for line in (__threadleak_rows command)
        string split -f 2,3 \t -- $line | string join \t
    end
end

function __threadleak_findings
    printf '%s\t%s\n' findings 'all findings' suppressions 'the types of rules'
    for line in (__threadleak_rows finding)
        string split -f 2,3 \t -- $line | string join \t
    end
end

function __threadleak_options
    set -l command (commandline -opc)[2]
    printf '%s\t%s\n' --help 'explain the command'
    for line in (__threadleak_rows option)
        set -l row (string split \t -- $line)
        test "$row[2]" = "$command"; or continue
        string match -qr '^(-|\[)' -- $row[5]; and printf '%s\t%s\n' $row[3] $row[8]; or printf '%s=\t%s\n' $row[3] $row[8]
    end
end

# After "--format=", or after the last comma of a list.
function __threadleak_values
    set -l command (commandline -opc)[2]
    set -l typed (string match -r -- '^--[^=]+=(?:.*,)?' (commandline -ct)); or return
    for line in (__threadleak_rows value)
        set -l row (string split \t -- $line)
        test "$row[2]" = "$command"; and string match -q -- "$row[3]=*" $typed; and printf '%s%s\t%s\n' $typed $row[4] value
    end
end

# COMMAND and its arguments, if the command line has come that far: "threadleak run -q -- make ch".
function __threadleak_command
    set -l words (commandline -opc)
    test "$words[2]" = run; or return 1
    set -l taking
    for line in (__threadleak_rows option)
        set -l row (string split \t -- $line)
        test "$row[2]" = run; and not string match -qr '^(-|\[)' -- $row[5]; and set -a taking $row[3] -$row[4]
    end
    set -e words[1..2]
    set -l begun
    while set -q words[1]; and test -z "$begun"; and string match -q -- '-*' $words[1]
        if test "$words[1]" = --
            set begun yes
        else if contains -- $words[1] $taking
            set -e words[1]
        end
        set -e words[1]
    end
    set -l typed (commandline -ct)
    set -q words[1]; or test -n "$begun"; or not string match -q -- '-*' "$typed"; or return 1
    echo (string escape -- $words) "$typed"
end

function __threadleak_in_command
    set -l line (__threadleak_command)
    string match -q -- '-*' "$line"; or complete -C "$line"
end

complete -c threadleak -n __fish_use_subcommand -f -a '(__threadleak_commands)'
complete -c threadleak -n '__fish_seen_subcommand_from help' -f -a '(__threadleak_commands; __threadleak_findings)'
complete -c threadleak -n '__threadleak_command >/dev/null' -f -a '(__threadleak_in_command)'
complete -c threadleak -n 'not __fish_use_subcommand; and not __fish_seen_subcommand_from help; and not __threadleak_command >/dev/null' -a '(__threadleak_options; __threadleak_values)'
