# The first red test in what a program of cmocka prints; one that began and never ended
# crashed or hung.
/^\[ RUN/ { name = $4; running = 1 }
/^\[       OK/ { running = 0 }
/^\[  FAILED/ { print name; red = 1; exit }
END { if (!red && running) print name " (crashed or hung)" }
