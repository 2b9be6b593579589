# SPDX-License-Identifier: GPL-2.0-or-later
#
# Plot rate.dat and bytes.dat of the current folder, as PNG and as SVG.
set style data linespoints
set key left top
set grid
set logscale xy

do for [type in "png svg"] {
    set terminal type size 800,500
    set output "rate." . type
    set xlabel "requests in flight"
    set ylabel "requests per second"
    set xrange [0.8:80]
    set xtics (1, 4, 16, 64)
    plot "rate.dat" using 1:2 title "NOP, mediator, shared path", \
         "" using 1:3 title "NOP, mediator, framed path", \
         "" using 1:4 title "NOP, engine in QEMU", \
         "" using 1:5 title "vhost-user-blk, 512 bytes of null-co", \
         "" using 1:6 title "virtio-blk, 512 bytes of null-co"

    set output "bytes." . type
    set xlabel "bytes of a COPY"
    set ylabel "megabytes per second"
    set xrange [3000:100000000]
    set xtics ("4K" 4096, "16K" 16384, "64K" 65536, "256K" 262144, "1M" 1048576, \
        "4M" 4194304, "16M" 16777216, "64M" 67108864)
    plot "bytes.dat" using 1:2 title "mediator, shared path", \
         "" using 1:3 title "mediator, framed path", \
         "" using 1:4 title "engine in QEMU"
}
