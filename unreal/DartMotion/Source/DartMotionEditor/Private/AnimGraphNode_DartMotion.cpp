// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#include "AnimGraphNode_DartMotion.h"

#include "Modules/ModuleManager.h"

#define LOCTEXT_NAMESPACE "DartMotion"

FText UAnimGraphNode_DartMotion::GetNodeTitle(ENodeTitleType::Type TitleType) const
{
	return LOCTEXT("Title", "DART motion");
}

FText UAnimGraphNode_DartMotion::GetTooltipText() const
{
	return LOCTEXT("Tooltip", "The motion of the actor's DART motion component, as a pose of this skeleton");
}

FString UAnimGraphNode_DartMotion::GetNodeCategory() const
{
	return TEXT("DART");
}

#undef LOCTEXT_NAMESPACE

IMPLEMENT_MODULE(FDefaultModuleImpl, DartMotionEditor)
