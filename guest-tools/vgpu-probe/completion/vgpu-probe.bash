# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for vgpu-probe

_vgpu_probe_slots() {
    lspci -D 2>/dev/null | cut -d ' ' -f 1
}

_vgpu_probe() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local options='-A -D -d -F -G -i -k -n -nn -O -s -v -x -xxx -xxxx --file
        --help --json --list-checks --mmio --quiet --tap --version'

    COMPREPLY=()
    case $prev in
    -s)
        mapfile -t COMPREPLY < <(compgen -W "$(_vgpu_probe_slots)" -- "$cur")
        # a slot holds colons, at which readline parts words
        declare -F __ltrim_colon_completions >/dev/null &&
            __ltrim_colon_completions "$cur"
        return
        ;;
    -A)
        mapfile -t COMPREPLY < <(compgen -W \
            "$(vgpu-probe -A help 2>/dev/null | tail -n +3)" -- "$cur")
        return
        ;;
    -O)
        mapfile -t COMPREPLY < <(compgen -S = -W \
            "$(vgpu-probe -O help 2>/dev/null | sed '1,2d; s/ .*//')" -- "$cur")
        return
        ;;
    -F | --file | -i)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -d) return ;;
    esac
    case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur") ;;
    *)
        if [[ " ${COMP_WORDS[*]:0:COMP_CWORD} " == *" diff "* ]]; then
            mapfile -t COMPREPLY < <(compgen -f -W live -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W 'diff host report' -- "$cur")
        fi
        ;;
    esac
}

complete -o filenames -F _vgpu_probe vgpu-probe
