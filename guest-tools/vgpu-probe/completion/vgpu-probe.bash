# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for vgpu-probe
#
# readline ends words at colons and equals signs as well, so words are taken from the
# line itself, and replies lack what readline does not replace.

_vgpu_probe_slots() {
    lspci -D 2>/dev/null | cut -d ' ' -f 1
}

_vgpu_probe_methods() {
    vgpu-probe -A help 2>/dev/null | tail -n +3
}

_vgpu_probe_params() {
    vgpu-probe -O help 2>/dev/null | sed '1,2d; s/ .*/=/'
}

# The subcommand among the words and how many arguments it has before the last word
_vgpu_probe_subcommand() {
    local i
    subcommand='' count=0
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
        -[AdFiOs] | --file) ((i++)) ;;
        -*) ;;
        *)
            if [ -z "$subcommand" ]; then
                subcommand=${words[i]}
            else
                ((count++))
            fi
            ;;
        esac
    done
}

_vgpu_probe_arguments() {
    local subcommand count
    _vgpu_probe_subcommand
    case $subcommand in
    '') compgen -W 'diff host report' -- "$cur" ;;
    diff) ((count < 2)) && compgen -f -W live -- "$cur" ;;
    host)
        ((count < 1)) || return
        case $cur in
        */*) compgen -f -- "$cur" ;;
        *) compgen -c -- "${cur:-qemu-}" ;;
        esac
        ;;
    esac
}

_vgpu_probe_replies() {
    local options='-A -D -d -F -G -i -k -n -nn -O -s -v -x -xxx -xxxx --file=
        --help --json --list-checks --mmio --quiet --tap --version'
    case $prev in
    -s) compgen -W "$(_vgpu_probe_slots)" -- "$cur" ;;
    -A) compgen -W "help $(_vgpu_probe_methods)" -- "$cur" ;;
    -O)
        case $cur in
        *=*) compgen -P "${cur%%=*}=" -f -- "${cur#*=}" ;;
        *) compgen -W "help $(_vgpu_probe_params)" -- "$cur" ;;
        esac
        ;;
    -F | --file | -i) compgen -f -- "$cur" ;;
    -d) ;;
    *)
        case $cur in
        --file=*) compgen -P --file= -f -- "${cur#*=}" ;;
        -*) compgen -W "$options" -- "$cur" ;;
        *) _vgpu_probe_arguments ;;
        esac
        ;;
    esac
}

_vgpu_probe() {
    local line=${COMP_LINE:0:COMP_POINT} cur prev kept i
    local replaced=${COMP_WORDS[COMP_CWORD]}
    local -a words

    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=('')
    cur=${words[-1]} prev=${words[-2]}
    mapfile -t COMPREPLY < <(_vgpu_probe_replies | sort -u)
    # a separator that was typed last is a word of its own
    [[ $replaced == [=:]* ]] && replaced=''
    kept=$((${#cur} - ${#replaced}))
    ((kept > 0)) || kept=0
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=${COMPREPLY[i]:kept}
    done
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o filenames -F _vgpu_probe vgpu-probe
