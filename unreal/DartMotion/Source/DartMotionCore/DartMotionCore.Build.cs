// The engine-free core, as a module of its own. scripts/core_matrix.sh builds and tests it without Unreal.
using UnrealBuildTool;

public class DartMotionCore : ModuleRules
{
    public DartMotionCore(ReadOnlyTargetRules Target) : base(Target)
    {
        // Standard headers alone: nothing of the engine may come in before them.
        PCHUsage = PCHUsageMode.NoPCHs;
        PrivateDependencyModuleNames.Add("Core");
    }
}
