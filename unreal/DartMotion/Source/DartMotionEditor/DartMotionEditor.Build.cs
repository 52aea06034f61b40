using UnrealBuildTool;

public class DartMotionEditor : ModuleRules
{
    public DartMotionEditor(ReadOnlyTargetRules Target) : base(Target)
    {
        PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
        PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "AnimGraph", "BlueprintGraph", "DartMotion" });
    }
}
