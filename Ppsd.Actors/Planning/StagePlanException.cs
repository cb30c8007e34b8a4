namespace Ppsd.Actors.Planning;

/// <summary>Which setting of a cut does not fit the model.</summary>
public enum StagePlanSetting
{
    /// <summary>The number of stages.</summary>
    Stages,

    /// <summary>The layers of each stage.</summary>
    StageLayers,
}

/// <summary>A cut does not fit the model.</summary>
public sealed class StagePlanException : ArgumentException
{
    /// <param name="setting">What does not fit.</param>
    /// <param name="misfit">What was expected and what was found.</param>
    public StagePlanException(StagePlanSetting setting, string misfit)
        : base($"{(setting == StagePlanSetting.Stages ? "stages" : "stage layers")}: {misfit}")
    {
        Setting = setting;
        Misfit = misfit;
    }

    /// <summary>What does not fit.</summary>
    public StagePlanSetting Setting { get; }

    /// <summary>What was expected and what was found.</summary>
    public string Misfit { get; }
}
