using System.CommandLine;
using Ppsd.Host.Generation;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd chat</c>: a conversation, line by line from standard input, on stages in this process, in several, or on a
/// cluster.
/// </summary>
internal sealed class ChatCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly SamplingOptions _sampling = new(standardMaxTokens: null, isForReader: true);
    private readonly PlacementOptions _placement = new(new NodeOptions());
    private readonly ShowDraftsOption _showDrafts = new();

    private readonly Option<string?> _system = OptionFactory.Text(
        "--system",
        "TEXT",
        "System message before the conversation."
    );

    public ChatCommand(TimeProvider clock)
        : base(
            "chat",
            "Answers each line of standard input, and remembers. /clear forgets the conversation, /exit ends it; Ctrl+C stops an answer.",
            clock
        )
    {
        Add(_system);
        Add(_model);
        Add(_sampling);
        Add(_showDrafts);
        Add(_placement);
    }

    public override bool HandlesSignals => true;

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        _placement.Check(parsed);
        using var prepared = _placement.Prepare(parsed);
        var assets = _model.Open(parsed, _placement.Stages, Clock);
        var settings = _sampling.Settings(parsed, assets) with { ShowDrafts = _showDrafts.Value(parsed) };

        // A model that cannot chat is better refused before its weights are loaded.
        _ = assets.ChatTemplate;
        using var interrupts = new ChatInterrupts();
        await using var pipeline = await _placement.StartAsync(parsed, assets, Clock, interrupts.Leave, prepared);
        interrupts.Leave.ThrowIfCancellationRequested();
        var chat = new InteractiveChat(
            new TextGenerator(pipeline.Client, assets),
            new Conversation(assets, parsed.GetValue(_system)),
            assets.Config.MaxPositions,
            interrupts
        );
        await chat.RunAsync(settings);
        return 0;
    }
}
