# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for vgpu-run

_vgpu_run() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local options='-D -d -j -n -q -s -v --count --depth --device --help --json
        --quiet --size --verify --version'

    COMPREPLY=()
    case $prev in
    -D | --device) mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/dev/vgpu}") ;;
    -[dns] | --count | --depth | --size) ;;
    *)
        case $cur in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -W 'nop copy fill crc' -- "$cur") ;;
        esac
        ;;
    esac
}

complete -o filenames -F _vgpu_run vgpu-run
