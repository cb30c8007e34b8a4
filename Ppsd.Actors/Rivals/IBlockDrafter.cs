using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Rivals;

/// <summary>Makes and verifies blocks of one text after another.</summary>
internal interface IBlockDrafter
{
    /// <summary>Most drafts of a block.</summary>
    int MostDrafts { get; }

    /// <summary>True when <see cref="SeePrompt"/> reads hidden states behind the last stage.</summary>
    bool ReadsLastHidden => false;

    /// <summary>Starts a text.</summary>
    void Begin(StartSession request);

    /// <summary>A chunk of the prompt has passed all stages.</summary>
    /// <param name="rows">Rows of the chunk.</param>
    void SeePrompt(BlockSession session, int rows) { }

    /// <summary>The prompt is done.</summary>
    void EndPrompt(BlockSession session, int rows) { }

    /// <summary>Drafts behind a verified token that no stage holds yet, and verifies.</summary>
    /// <param name="session">The text; the block's confirmed rows are in all stages afterwards, and no others.</param>
    /// <param name="most">Most drafts.</param>
    Block Run(BlockSession session, TokenId token, int most, TimeProvider clock);
}
