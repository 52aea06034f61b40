// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"

#include "DartMotionComponent.generated.h"

class FDartMotionRuntime;
class UNNEModelData;

/** Makes the motion that the actor's animation shows with the node "DART motion". */
UCLASS(ClassGroup = (Animation), meta = (BlueprintSpawnableComponent))
class DARTMOTION_API UDartMotionComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	/** The bundle's folder: absolute, or below the project's folder. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	FString BundleFolder = TEXT("Content/Dart");

	/** primitive.fp32.portable.onnx of the bundle, imported. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	TObjectPtr<UNNEModelData> PrimitiveModel;

	/** clip_text.fp32.portable.onnx of the bundle, imported. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	TObjectPtr<UNNEModelData> TextModel;

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	FString RuntimeName = TEXT("NNERuntimeORTCpu");

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	FString Prompt;

	/** 0 ignores the text, 1 follows it plainly; below 0 the bundle's own. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART")
	float Guidance = -1.0f;

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART", meta = (ClampMin = "0"))
	int32 Seed = 0;

	/** Frames kept ready. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "DART", meta = (ClampMin = "1", ClampMax = "64"))
	int32 Ahead = 4;

	UFUNCTION(BlueprintCallable, Category = "DART")
	void SetPrompt(const FString& NewPrompt);

	UFUNCTION(BlueprintCallable, Category = "DART")
	void SetGuidance(float NewGuidance);

	/** What went wrong last, or nothing. */
	UFUNCTION(BlueprintCallable, Category = "DART")
	FString GetError() const;

	/** What must be said of this motion; show it to whoever watches. */
	UFUNCTION(BlueprintCallable, Category = "DART")
	FString GetLabel() const;

	TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> GetRuntime() const { return Runtime; }

protected:
	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;

private:
	TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> Runtime;
	FString OpenError;
};
