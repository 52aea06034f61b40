using UnrealBuildTool;

public class DartMotion : ModuleRules
{
    public DartMotion(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "NNE", "DartMotionCore" });
    }
}
