# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines that integrate adds to QEMU's own files."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


class Refusal(Exception):
    """The reason why the tree is left unchanged"""


def read(path):
    """A file's text; bytes that are not UTF-8 survive the round trip"""
    with open(path, 'rb') as file:
        return file.read().decode('utf-8', 'surrogateescape')


# Match what any version of this script has added to QEMU's own files
LINES = r'^.*(?:vgpu[-_]stub|VGPU_STUB).*\n'
KCONFIG = r'^\nconfig VGPU_STUB(?:_ALLOWED)?\n(?:[ \t]+.*\n)*'
TRACE_EVENTS = r'^\n# vgpu-stub.*\n(?:vgpu_stub_.*\n)*'
MESON_OPTION = r"^option\('vgpu_stub'.*\n(?:[ \t]+.*\n)*"
CONFIGURE = (r'^\nif test "\$vgpu_stub" = "yes" ; then\n.*\nfi\n|'
             r'^  --\w+-vgpu-stub\).*\n  ;;\n|' + LINES)


class Edit:
    """Additions to one of QEMU's files: pairs of a text and the start of the
    line to insert it after, or None to append it"""

    def __init__(self, path, *additions, ours=LINES):
        self.path, self.additions, self.ours = path, additions, ours

    def remove(self, content):
        return re.sub(self.ours, '', content, flags=re.M)

    def add(self, content):
        for text, after in self.additions:
            at = self.end_of_line(content, after)
            content = content[:at] + text + content[at:]
        return content

    def end_of_line(self, content, start):
        if start is None:
            if not content.endswith('\n'):
                raise Refusal(f'{self.path} does not end with a newline')
            return len(content)
        # with a leading newline, the first line can match too
        at = ('\n' + content).rfind('\n' + start)
        if at < 0:
            raise Refusal(f'{self.path} has no line that starts with '
                          f"'{start.splitlines()[-1].strip()}'")
        return content.index('\n', at + len(start)) + 1


def trace_events():
    text = read(os.path.join(HERE, 'hw/misc/trace-events'))
    return '\n' + re.sub('^# SPDX.*\n', '', text, flags=re.M)


def common_edits():
    return [
        Edit('hw/misc/Kconfig', ('''
config VGPU_STUB
    bool
    depends on PCI && VGPU_STUB_ALLOWED
''', None), ours=KCONFIG),
        # With this, the option builds the device even without default devices
        Edit('Kconfig.host', ('''
config VGPU_STUB_ALLOWED
    bool
    select VGPU_STUB if PCI
''', None), ours=KCONFIG),
        Edit('hw/misc/trace-events', (trace_events(), None),
             ours=TRACE_EVENTS),
        Edit('docs/specs/index.rst', ('   vgpu-stub\n',
                                      '   acpi_hw_reduced_hotplug')),
    ]


def emulated_devices(tree):
    """The name of the source set for devices, which varies by version"""
    match = re.search(r"^(\w+)\.add\(when: 'CONFIG_EDU'",
                      read(os.path.join(tree, 'hw/misc/meson.build')), re.M)
    if not match:
        raise Refusal('hw/misc/meson.build does not build edu.c')
    return match[1]


def meson_edits(tree, sources):
    source_set = emulated_devices(tree)
    build = ''.join(f"{source_set}.add(when: 'CONFIG_VGPU_STUB', "
                    f"if_true: files('{source}'))\n" for source in sources)
    return common_edits() + [
        Edit('hw/misc/meson.build',
             (build, f"{source_set}.add(when: 'CONFIG_EDU'")),
        Edit('meson_options.txt', ('''\
option('vgpu_stub', type: 'feature', value: 'disabled',
       description: 'virtual accelerator stub device')
''', None), ours=MESON_OPTION),
        Edit('meson.build', ('''\
  (get_option('vgpu_stub').allowed() ? ['CONFIG_VGPU_STUB_ALLOWED=y'] : []) + \\
''', 'host_kconfig = \\')),
        Edit('scripts/meson-buildoptions.sh', ('''\
  printf "%s\\n" '  vgpu-stub       virtual accelerator stub device'
''', '''  printf "%s\\n" '  vhost-user      '''), ('''\
    --enable-vgpu-stub) printf "%s" -Dvgpu_stub=enabled ;;
    --disable-vgpu-stub) printf "%s" -Dvgpu_stub=disabled ;;
''', '    --disable-vfio-user-server)')),
        Edit('tests/qtest/meson.build', ('''\
  (config_all_devices.has_key('CONFIG_VGPU_STUB') ? ['vgpu-stub-test'] : []) + \\
''', 'qtests_i386 = \\')),
        Edit('tests/qtest/fuzz/meson.build', ('''\
specific_fuzz_ss.add(when: 'CONFIG_VGPU_STUB',
                     if_true: files('vgpu_stub_fuzz.c', 'vgpu_stub_fuzz_guest.c',
                                    'vgpu_stub_queue_fuzz.c'))
''', "specific_fuzz_ss.add(when: 'CONFIG_I440FX'")),
    ]


def make_edits(sources):
    """For QEMU 4.2, which does not use meson yet"""
    build = ''.join(f'common-obj-$(CONFIG_VGPU_STUB) += {source[:-2]}.o\n'
                    for source in sources)
    return common_edits() + [
        Edit('hw/misc/Makefile.objs', (build, 'common-obj-$(CONFIG_EDU)')),
        Edit('Makefile', ('''\
    CONFIG_VGPU_STUB_ALLOWED=$(CONFIG_VGPU_STUB_ALLOWED) \\
''', '    CONFIG_TPM=$(CONFIG_TPM) \\')),
        Edit('configure', ('vgpu_stub="no"\n', 'pvrdma=""'), ('''\
  --enable-vgpu-stub) vgpu_stub="yes"
  ;;
  --disable-vgpu-stub) vgpu_stub="no"
  ;;
''', '  --disable-pvrdma) pvrdma="no"\n  ;;'), ('''\
  vgpu-stub       virtual accelerator stub device
''', '  pvrdma          '), ('''
if test "$vgpu_stub" = "yes" ; then
  echo "CONFIG_VGPU_STUB_ALLOWED=y" >> $config_host_mak
fi
''', '  echo "CONFIG_PVRDMA=y" >> $config_host_mak\nfi'), ours=CONFIGURE),
        Edit('tests/Makefile.include', ('''\
check-qtest-i386-$(CONFIG_VGPU_STUB) += tests/vgpu-stub-test$(EXESUF)
''', 'check-qtest-i386-$(CONFIG_PVPANIC) +='), ('''\
tests/vgpu-stub-test$(EXESUF): tests/vgpu-stub-test.o $(libqos-pc-obj-y)
''', 'tests/pvpanic-test$(EXESUF):')),
    ]
