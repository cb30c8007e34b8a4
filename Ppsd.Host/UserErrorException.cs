namespace Ppsd.Host;

/// <summary>Something the user said cannot be done; the message is one line. The program ends with exit code 2.</summary>
internal sealed class UserErrorException : Exception
{
    public UserErrorException(string message)
        : base(message) { }

    public UserErrorException(string message, Exception innerException)
        : base(message, innerException) { }
}
