// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#pragma once

#include <memory>

#include "Animation/AnimNodeBase.h"
#include "CoreMinimal.h"

#include "DartMotionCore/Player.h"
#include "DartMotionCore/Retarget.h"

#include "AnimNode_DartMotion.generated.h"

class FDartMotionRuntime;

/** The motion of the actor's DART motion component as a pose of this skeleton. */
USTRUCT(BlueprintInternalUseOnly)
struct DARTMOTION_API FAnimNode_DartMotion : public FAnimNode_Base
{
	GENERATED_BODY()

public:
	/** Bones and the joints that turn them; empty: by name, for SMPL's joints and Unreal's mannequin. */
	UPROPERTY(EditAnywhere, Category = "DART")
	TMap<FName, FName> BoneMap;

	/** Scales the pelvis's way; 0 takes the ratio of the two bodies' heights. */
	UPROPERTY(EditAnywhere, Category = "DART", meta = (PinHiddenByDefault))
	float Stretch = 0.0f;

	virtual bool HasPreUpdate() const override { return true; }
	virtual void PreUpdate(const UAnimInstance* InAnimInstance) override;
	virtual void CacheBones_AnyThread(const FAnimationCacheBonesContext& Context) override;
	virtual void Update_AnyThread(const FAnimationUpdateContext& Context) override;
	virtual void Evaluate_AnyThread(FPoseContext& Output) override;

private:
	void BuildRetarget(const FBoneContainer& Bones);

	TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> Runtime;
	std::shared_ptr<const dartmotion::Retarget> Retarget;
	dartmotion::Pose Pose;
	bool bThere = false;
};
