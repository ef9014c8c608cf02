// `zonelet`: the only place that ends the process.
process.stderr.write("zonelet: not built yet\n");
process.exitCode = 1;
