// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#pragma once

#include "AnimGraphNode_Base.h"
#include "CoreMinimal.h"

#include "AnimNode_DartMotion.h"

#include "AnimGraphNode_DartMotion.generated.h"

/** The node "DART motion" in an animation blueprint. */
UCLASS()
class DARTMOTIONEDITOR_API UAnimGraphNode_DartMotion : public UAnimGraphNode_Base
{
	GENERATED_BODY()

public:
	UPROPERTY(EditAnywhere, Category = "Settings")
	FAnimNode_DartMotion Node;

	virtual FText GetNodeTitle(ENodeTitleType::Type TitleType) const override;
	virtual FText GetTooltipText() const override;
	virtual FString GetNodeCategory() const override;
};
