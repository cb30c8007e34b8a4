using Ppsd.Host.Commands;

return await CommandLine.RunAsync(args, TimeProvider.System);
