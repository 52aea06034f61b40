// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#include "DartMotionModels.h"

#include <cstdint>
#include <string>
#include <vector>

#include "Misc/EngineVersionComparison.h"
#include "NNE.h"
#include "NNEModelData.h"
#include "NNERuntimeCPU.h"
#include "NNETypes.h"

namespace DartMotion
{
namespace
{
	/** A tensor that a run reads or writes. */
	struct FNamedTensor
	{
		const TCHAR* Name;
		TArray<uint32> Shape;
		const void* Data;
		uint64 Bytes;
	};

	/** NNE's instance of a model, whose tensors are found by name. */
	class FInstance
	{
	public:
		bool Open(UNNEModelData* Data, const FString& RuntimeName, FString& Error)
		{
			TWeakInterfacePtr<INNERuntimeCPU> Runtime = UE::NNE::GetRuntime<INNERuntimeCPU>(RuntimeName);
			if (!Runtime.IsValid())
			{
				Error = FString::Printf(TEXT("NNE has no runtime %s: enable its plugin"), *RuntimeName);
				return false;
			}
#if UE_VERSION_OLDER_THAN(5, 4, 0)
			TUniquePtr<UE::NNE::IModelCPU> Model = Runtime->CreateModel(Data);
			TUniquePtr<UE::NNE::IModelInstanceCPU> Made = Model.IsValid() ? Model->CreateModelInstance() : nullptr;
			Instance = MakeShareable(Made.Release());
#else
			TSharedPtr<UE::NNE::IModelCPU> Model = Runtime->CreateModelCPU(Data);
			Instance = Model.IsValid() ? Model->CreateModelInstanceCPU() : nullptr;
#endif
			if (!Instance.IsValid())
			{
				Error = FString::Printf(TEXT("%s makes no model of the asset: import the bundle's .portable.onnx file"), *RuntimeName);
				return false;
			}
			return true;
		}

		/** Runs with these tensors; shapes are given to NNE where they differ from last time. */
		bool Run(const std::vector<FNamedTensor>& Inputs, const std::vector<FNamedTensor>& Outputs, std::string& Error)
		{
			TArray<UE::NNE::FTensorBindingCPU> In, Out;
			TArray<UE::NNE::FTensorShape> Shapes;
			if (!Bind(Instance->GetInputTensorDescs(), Inputs, In, &Shapes, Error) || !Bind(Instance->GetOutputTensorDescs(), Outputs, Out, nullptr, Error))
			{
				return false;
			}
			if (Shapes != LastShapes)
			{
				LastShapes.Reset();
				if (!Good(Instance->SetInputTensorShapes(Shapes)))
				{
					Error = "NNE does not take the inputs' shapes";
					return false;
				}
				LastShapes = Shapes;
			}
			if (!Good(Instance->RunSync(In, Out)))
			{
				Error = "NNE did not run the model";
				return false;
			}
			return true;
		}

	private:
#if UE_VERSION_OLDER_THAN(5, 4, 0)
		static bool Good(int Status) { return Status == 0; }
#else
		static bool Good(UE::NNE::EResultStatus Status) { return Status == UE::NNE::EResultStatus::Ok; }
#endif

		static bool Bind(TConstArrayView<UE::NNE::FTensorDesc> Wanted, const std::vector<FNamedTensor>& Given, TArray<UE::NNE::FTensorBindingCPU>& Bindings, TArray<UE::NNE::FTensorShape>* Shapes, std::string& Error)
		{
			for (const UE::NNE::FTensorDesc& Desc : Wanted)
			{
				const FNamedTensor* Found = nullptr;
				for (const FNamedTensor& Tensor : Given)
				{
					Found = Desc.GetName() == Tensor.Name ? &Tensor : Found;
				}
				if (Found == nullptr)
				{
					Error = std::string("the model has a tensor that bundle.json's primitive has not: ") + TCHAR_TO_UTF8(*Desc.GetName());
					return false;
				}
				// NNE's bindings have no constant pointers; inputs are not written to.
				Bindings.Add(UE::NNE::FTensorBindingCPU{const_cast<void*>(Found->Data), Found->Bytes});
				if (Shapes != nullptr)
				{
					Shapes->Add(UE::NNE::FTensorShape::Make(Found->Shape));
				}
			}
			return true;
		}

		TSharedPtr<UE::NNE::IModelInstanceCPU> Instance;
		TArray<UE::NNE::FTensorShape> LastShapes;
	};

	FNamedTensor Floats(const TCHAR* Name, TArray<uint32> Shape, const float* Data)
	{
		uint64 Count = 1;
		for (const uint32 Side : Shape)
		{
			Count *= Side;
		}
		return {Name, MoveTemp(Shape), Data, Count * sizeof(float)};
	}

	class FPrimitive final : public dartmotion::PrimitiveModel
	{
	public:
		explicit FPrimitive(const dartmotion::Bundle& Bundle) : Sizes(Bundle.sizes), NoiseRows(static_cast<uint32>(Bundle.steps + 1)) {}

		virtual bool Run(const dartmotion::PrimitiveInput& In, dartmotion::PrimitiveOutput& Out, std::string& Error) override
		{
			const auto N = [](std::size_t Size) { return static_cast<uint32>(Size); };
			const uint32 H = N(Sizes.history), F = N(Sizes.features), J = N(Sizes.joints), Future = N(Sizes.future);
			const std::vector<FNamedTensor> Inputs = {
				Floats(TEXT("history"), {1, H, F}, In.history),
				Floats(TEXT("text"), {1, N(Sizes.text)}, In.text),
				Floats(TEXT("noise"), {NoiseRows, 1, N(Sizes.tokens), N(Sizes.latent)}, In.noise),
				Floats(TEXT("guidance"), {1, 1}, &In.guidance),
				Floats(TEXT("world_rotation"), {1, 3, 3}, In.world_rotation),
				Floats(TEXT("world_translation"), {1, 1, 3}, In.world_translation),
				Floats(TEXT("pelvis_offset"), {1, 3}, In.pelvis_offset),
			};
			const std::vector<FNamedTensor> Outputs = {
				Floats(TEXT("motion"), {1, Future, F}, Out.motion.data()),
				Floats(TEXT("rotations"), {1, Future, J, 3, 3}, Out.placed.rotations.data()),
				Floats(TEXT("translation"), {1, Future, 3}, Out.placed.translation.data()),
				Floats(TEXT("joints"), {1, Future, J, 3}, Out.placed.joints.data()),
				Floats(TEXT("next_history"), {1, H, F}, Out.after.history.data()),
				Floats(TEXT("next_world_rotation"), {1, 3, 3}, Out.after.world.rotation.data()),
				Floats(TEXT("next_world_translation"), {1, 1, 3}, Out.after.world.translation.data()),
			};
			return Instance.Run(Inputs, Outputs, Error);
		}

		FInstance Instance;

	private:
		const dartmotion::Sizes Sizes;
		const uint32 NoiseRows;
	};

	class FTextTower final : public dartmotion::TextModel
	{
	public:
		explicit FTextTower(const dartmotion::Bundle& Bundle) : Width(static_cast<uint32>(Bundle.tokenizer.width)) {}

		virtual bool Run(const std::vector<float>& Rows, std::size_t Count, std::vector<float>& Out, std::string& Error) override
		{
			const int64 End = static_cast<int64>(Count) - 1;
			const std::vector<FNamedTensor> Inputs = {
				Floats(TEXT("embeddings"), {1, static_cast<uint32>(Count), Width}, Rows.data()),
				{TEXT("eot"), {1}, &End, sizeof(End)},
			};
			return Instance.Run(Inputs, {Floats(TEXT("text"), {1, static_cast<uint32>(Out.size())}, Out.data())}, Error);
		}

		FInstance Instance;

	private:
		const uint32 Width;
	};
}

std::unique_ptr<dartmotion::PrimitiveModel> OpenPrimitive(UNNEModelData* Data, const FString& RuntimeName, const dartmotion::Bundle& Bundle, FString& Error)
{
	std::unique_ptr<FPrimitive> Made(new FPrimitive(Bundle));
	if (!Made->Instance.Open(Data, RuntimeName, Error))
	{
		return nullptr;
	}
	return Made;
}

std::unique_ptr<dartmotion::TextModel> OpenText(UNNEModelData* Data, const FString& RuntimeName, const dartmotion::Bundle& Bundle, FString& Error)
{
	std::unique_ptr<FTextTower> Made(new FTextTower(Bundle));
	if (!Made->Instance.Open(Data, RuntimeName, Error))
	{
		return nullptr;
	}
	return Made;
}
}
