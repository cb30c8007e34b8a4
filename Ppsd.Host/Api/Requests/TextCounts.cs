namespace Ppsd.Host.Api.Requests;

/// <summary>Reads how many texts a prompt is to get. Pure.</summary>
internal static class TextCounts
{
    private const int Most = 8;

    /// <summary><c>n</c>. <c>best_of</c> is accepted where it equals it: no text is made only to be dropped.</summary>
    public static int Read(RequestFields fields)
    {
        var count = fields.Whole("n", 1, Most) ?? 1;
        var candidates = fields.Whole("best_of", 1, int.MaxValue) ?? count;
        return candidates == count
            ? count
            : throw ApiException.BadRequest(
                $"best_of: expected {count}, the value of n, found {candidates}",
                "best_of",
                "unsupported_value"
            );
    }
}
