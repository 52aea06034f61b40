// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#include "AnimNode_DartMotion.h"

#include <string>
#include <utility>
#include <vector>

#include "Animation/AnimInstance.h"
#include "Animation/AnimInstanceProxy.h"
#include "BoneContainer.h"
#include "GameFramework/Actor.h"
#include "ReferenceSkeleton.h"

#include "DartMotionComponent.h"
#include "DartMotionRuntime.h"

void FAnimNode_DartMotion::PreUpdate(const UAnimInstance* InAnimInstance)
{
	// Game thread: the only place where the actor may be looked at.
	const AActor* Actor = InAnimInstance != nullptr ? InAnimInstance->GetOwningActor() : nullptr;
	const UDartMotionComponent* Component = Actor != nullptr ? Actor->FindComponentByClass<UDartMotionComponent>() : nullptr;
	TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> Found;
	if (Component != nullptr)
	{
		Found = Component->GetRuntime();
	}
	if (Found != Runtime)
	{
		Runtime = Found;
		Retarget.reset();
		bThere = false;
	}
}

void FAnimNode_DartMotion::CacheBones_AnyThread(const FAnimationCacheBonesContext& Context)
{
	Retarget.reset(); // another mesh, perhaps
}

void FAnimNode_DartMotion::Update_AnyThread(const FAnimationUpdateContext& Context)
{
	GetEvaluateGraphExposedInputs().Execute(Context);
	bThere = Runtime.IsValid() && Runtime->Advance(Context.GetDeltaTime(), Pose);
}

void FAnimNode_DartMotion::BuildRetarget(const FBoneContainer& Bones)
{
	const FReferenceSkeleton& Skeleton = Bones.GetReferenceSkeleton();
	const dartmotion::Bundle& Bundle = Runtime->GetBundle();
	std::vector<dartmotion::Bone> Found;
	std::vector<std::string> Names;
	for (int32 i = 0; i < Skeleton.GetNum(); ++i)
	{
		const FName Bone = Skeleton.GetBoneName(i);
		const FName* Joint = BoneMap.Find(Bone);
		Names.emplace_back(TCHAR_TO_UTF8(*(Joint != nullptr ? *Joint : BoneMap.Num() > 0 ? FName() : Bone).ToString()));
		const FTransform& Rest = Skeleton.GetRefBonePose()[i];
		const FQuat Turn = Rest.GetRotation();
		const FVector Place = Rest.GetTranslation();
		dartmotion::Bone Made;
		Made.name = TCHAR_TO_UTF8(*Bone.ToString());
		Made.parent = Skeleton.GetParentIndex(i);
		Made.reference = {{Turn.W, Turn.X, Turn.Y, Turn.Z}, {Place.X, Place.Y, Place.Z}};
		Found.push_back(std::move(Made));
	}
	const std::vector<int> Joints = dartmotion::JointsByName(Names, Bundle.names);
	for (std::size_t i = 0; i < Found.size(); ++i)
	{
		Found[i].joint = Joints[i];
	}
	std::shared_ptr<dartmotion::Retarget> Made = std::make_shared<dartmotion::Retarget>(Bundle, std::move(Found));
	Made->SetStretch(Stretch > 0.0f ? static_cast<double>(Stretch) : Made->HeightRatio());
	Retarget = Made;
}

void FAnimNode_DartMotion::Evaluate_AnyThread(FPoseContext& Output)
{
	Output.ResetToRefPose();
	if (!bThere || !Runtime.IsValid())
	{
		return;
	}
	const FBoneContainer& Bones = Output.Pose.GetBoneContainer();
	if (!Retarget)
	{
		BuildRetarget(Bones);
	}
	const std::vector<dartmotion::Transform> Local = Retarget->Local(Pose);
	for (const FCompactPoseBoneIndex Index : Output.Pose.ForEachBoneIndex())
	{
		const int32 Bone = Bones.MakeMeshPoseIndex(Index).GetInt();
		if (Bone < 0 || Bone >= static_cast<int32>(Local.size()) || Retarget->Bones()[Bone].joint < 0)
		{
			continue;
		}
		const dartmotion::Transform& Made = Local[Bone];
		FTransform& Out = Output.Pose[Index];
		Out.SetRotation(FQuat(Made.rotation.x, Made.rotation.y, Made.rotation.z, Made.rotation.w));
		Out.SetTranslation(FVector(Made.translation.x, Made.translation.y, Made.translation.z));
	}
}
