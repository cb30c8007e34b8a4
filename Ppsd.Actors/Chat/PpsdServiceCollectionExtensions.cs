using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Ppsd.Actors.Client;

namespace Ppsd.Actors.Chat;

/// <summary>Ppsd's client for dependency injection.</summary>
public static class PpsdServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="PpsdChatClient"/>, which is the <see cref="IChatClient"/> too: one for the app, joined when first
    /// asked for, leaving the cluster when the container is disposed of.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="seedNodes">Members of the cluster, as HOST:PORT.</param>
    public static IServiceCollection AddPpsdChatClient(this IServiceCollection services, params string[] seedNodes) =>
        services.AddPpsdChatClient(options => options.SeedNodes = seedNodes);

    /// <inheritdoc cref="AddPpsdChatClient(IServiceCollection, string[])"/>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Says how to join.</param>
    public static IServiceCollection AddPpsdChatClient(
        this IServiceCollection services,
        Action<PpsdClientOptions> configure
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services
            .AddSingleton(provider =>
            {
                var options = new PpsdClientOptions();
                configure(options);
                return new PpsdChatClient(options, provider.GetService<TimeProvider>());
            })
            .AddSingleton<IChatClient>(provider => provider.GetRequiredService<PpsdChatClient>());
    }
}
