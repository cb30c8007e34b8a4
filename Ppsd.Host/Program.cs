using Ppsd.Host.Commands;
using Ppsd.Host.Terminal;

StandardOutput.Claim();
return await CommandLine.RunAsync(args, TimeProvider.System);
