# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that use libvgpu-stub, for the tests:
#
#   use Library;
#   examples()                           name => C program of each manual page
#   code_block($page, $start)            the block of a page in Markdown that starts with a
#                                        line
#   install_library($root)               "make install" with DESTDIR=$root, in /usr
#   compile($root, $file, $out, $how)    exit status and messages; $how: '' or -static
package Library;

use strict;
use warnings;
use Exporter 'import';
use Contract;
use Files;

our @EXPORT = qw(examples code_block install_library compile);

# In mdoc, \e stands for a backslash
sub examples {
    my %examples;
    for my $page (glob top_dir() . '/guest-tools/libvgpu-stub/*.3') {
        my ($name) = $page =~ m{([^/]+)\.3$};
        my ($text) = read_file($page) =~ /^\.Sh EXAMPLES\n.*?^\.Bd -literal\n(.*?)^\.Ed\n/ms;
        $examples{$name} = $text =~ s/\\e/\\/gr if $text;
    }
    return %examples;
}

# Blocks are indented by four spaces
sub code_block {
    my ($page, $start) = @_;
    my ($block) = read_file(top_dir() . "/$page") =~ /^( {4}\Q$start\E\n(?: {4}.*\n|\n)*)/m;
    die "$page has no block that starts with '$start'" unless $block;
    return $block =~ s/^ {4}//mgr =~ s/\n+\z/\n/r;
}

sub run {
    my ($command) = @_;
    my $output = qx(( $command ) 2>&1 </dev/null);
    return ($? >> 8, $output);
}

sub install_library {
    my ($root) = @_;
    my ($status, $output) = run("make -s -C '${\ top_dir()}/guest-tools' install-library"
        . " O='${\ build_dir()}/tools' DESTDIR='$root' PREFIX=/usr");
    die $output if $status;
    return;
}

# As the manual page says, but for the folder that the library was installed in
sub compile {
    my ($root, $file, $out, $how) = @_;
    my $pkg_config = "PKG_CONFIG_SYSROOT_DIR='$root' PKG_CONFIG_PATH='$root/usr/lib/pkgconfig' pkg-config";
    return run("gcc -Wall -Wextra -Werror -O2 $how -o '$out' '$file' \$($pkg_config --cflags --libs libvgpu-stub)");
}

1;
