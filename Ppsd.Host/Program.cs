using Ppsd.Host;
using Ppsd.Host.Commands;
using Ppsd.Host.Terminal;

StartupProfile.Begin(args);
StandardOutput.Claim();
return await CommandLine.RunAsync(args, TimeProvider.System);
