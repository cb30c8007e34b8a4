namespace Ppsd.Host.Text.SentencePieces;

/// <summary>Kind of a SentencePiece piece; the values are those of the file format.</summary>
internal enum SentencePieceKind
{
    /// <summary>A piece of text that merging can produce.</summary>
    Normal = 1,

    /// <summary>Stands for text outside the vocabulary.</summary>
    Unknown = 2,

    /// <summary>A marker such as the beginning of a text; never text itself.</summary>
    Control = 3,

    /// <summary>Text that is one piece wherever it occurs.</summary>
    UserDefined = 4,

    /// <summary>A piece that is kept out of use.</summary>
    Unused = 5,

    /// <summary>One byte of UTF-8, spelled <c>&lt;0xE2&gt;</c>.</summary>
    Byte = 6,
}
