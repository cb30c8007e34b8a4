using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.Extensions.AI;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Chat;

/// <summary>
/// Chats with the model of a Ppsd cluster as one of its members. Knows no tokenizer and no weights: a node with role
/// <c>text</c> has them. Joins in the background when it is made, and anew when its cluster is gone; disposing leaves politely.
/// Thread-safe.
/// </summary>
/// <remarks>
/// Maps Temperature, TopP, TopK, Seed, MaxOutputTokens, StopSequences, PresencePenalty, FrequencyPenalty, Instructions and
/// ModelId, and from AdditionalProperties what <see cref="ChatRequest"/> lists. What would change the text and is not
/// supported (tools, response formats, content other than text) throws <see cref="NotSupportedException"/>. Failures are
/// <see cref="GenerationException"/>s.
/// </remarks>
public sealed class PpsdChatClient : IChatClient, IAsyncDisposable
{
    /// <summary>Key of log-probabilities, <see cref="TextLogprobs"/>, in the AdditionalProperties of updates and responses.</summary>
    public const string LogprobsKey = "logprobs";

    /// <summary>
    /// Key of the seed, a <see cref="long"/>, in the AdditionalProperties of a response and of its last update: the one asked
    /// for, or the one that was drawn.
    /// </summary>
    public const string SeedKey = "seed";

    /// <summary>Seeds are drawn below this, so that every JSON reader can hold them exactly.</summary>
    private const long SeedBound = 1L << 53;

    private readonly LastingMembership _membership;
    private readonly TimeSpan _startTimeout;
    private readonly TimeProvider _clock;
    private readonly ChatClientMetadata _metadata;

    /// <summary>Joins a cluster.</summary>
    /// <param name="clock">Time that responses are stamped with; the system's if null.</param>
    /// <exception cref="ArgumentException">The options cannot be used; one line.</exception>
    public PpsdChatClient(PpsdClientOptions options, TimeProvider? clock = null)
        : this(() => ClusterNode.Join(options), options.StartTimeout, clock ?? TimeProvider.System) { }

    /// <summary>Joins by <paramref name="join"/>, again whenever the cluster has lost this process.</summary>
    internal PpsdChatClient(Func<ClusterNode> join, TimeSpan startTimeout, TimeProvider clock)
    {
        // Networks know no time but the real one.
        _membership = new LastingMembership(join, TimeProvider.System);
        _startTimeout = startTimeout;
        _clock = clock;
        _metadata = new ChatClientMetadata("ppsd", new Uri(_membership.Node.Address));
    }

    /// <summary>Starts generations from tokens, on the same membership.</summary>
    public PpsdClient Tokens => _membership.Client;

    /// <summary>Joins a cluster.</summary>
    /// <param name="seedNodes">Members of it, as HOST:PORT.</param>
    public static PpsdChatClient Join(params string[] seedNodes) =>
        new(new PpsdClientOptions { SeedNodes = seedNodes });

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var updates = new List<ChatResponseUpdate>();
        var logprobs = new List<TextLogprobs>();
        await foreach (
            var update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false)
        )
        {
            if (update.AdditionalProperties?.Remove(LogprobsKey, out var some) == true)
            {
                logprobs.AddRange((IReadOnlyList<TextLogprobs>)some!);
            }

            updates.Add(update);
        }

        var response = updates.ToChatResponse();
        response.RawRepresentation = updates[^1].RawRepresentation;
        if (updates[^1].AdditionalProperties?.TryGetValue(SeedKey, out var seed) == true)
        {
            (response.AdditionalProperties ??= [])[SeedKey] = seed;
        }

        if (logprobs.Count > 0)
        {
            (response.AdditionalProperties ??= [])[LogprobsKey] = logprobs;
        }

        return response;
    }

    /// <inheritdoc />
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) =>
        // Read before the first update is asked for: the caller may change both afterwards.
        StreamAsync(ChatRequest.Of(messages, options, DrawSeed), cancellationToken);

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType == typeof(PpsdClient) ? Tokens
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Leaves the cluster and stops.</summary>
    public ValueTask DisposeAsync() => _membership.DisposeAsync();

    /// <summary>
    /// Leaves the cluster and stops; waits for it, some tenths of a second, as a container that disposes of its services
    /// does not know <see cref="DisposeAsync"/>.
    /// </summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static long DrawSeed() =>
        BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) & (SeedBound - 1);

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        StartText request,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var updates = new ChatUpdates(_clock.GetUtcNow(), $"chatcmpl-{Guid.NewGuid():N}", request.Settings.Seed);
        await foreach (
            var part in _membership.GenerateTextAsync(request, _startTimeout, cancellation).ConfigureAwait(false)
        )
        {
            if (updates.Next(part) is { } update)
            {
                yield return update;
            }
        }
    }
}
