namespace Ppsd.Kernels.Devices;

/// <summary>A device does not exist or cannot be used; the message is one line for the user.</summary>
public sealed class DeviceException : Exception
{
    /// <inheritdoc />
    public DeviceException(string message)
        : base(message) { }

    /// <inheritdoc />
    public DeviceException(string message, Exception innerException)
        : base(message, innerException) { }
}
