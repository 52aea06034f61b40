// Declarations of what the binding uses of Unreal Engine: names, parameters and results as the public API reference
// gives them (dev.epicgames.com), written anew, with no bodies. The binding is compiled against them where no engine is
// (tests/hosts/test_cpp_core.py), once as 5.3 and once as 5.4 and newer. It proves that the binding is C++ and calls what is
// documented; it proves nothing about an engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

using int32 = std::int32_t;
using int64 = std::int64_t;
using uint8 = std::uint8_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using TCHAR = char16_t;

#define TEXT(x) u##x
#define TCHAR_TO_UTF8(x) UnrealToUtf8(x)
#define UTF8_TO_TCHAR(x) UnrealFromUtf8(x)
#define LOCTEXT(Key, Default) FText()
#define UE_LOG(Category, Level, Format, ...) UnrealLog(Category, Format, __VA_ARGS__)
#define DEFINE_LOG_CATEGORY_STATIC(Name, Default, Compile) static const int Name = 0
#define UE_SOURCE_LOCATION TEXT("")
#define IMPLEMENT_MODULE(Class, Name) [[maybe_unused]] static const Class* const Module_##Name = nullptr;
#define UCLASS(...)
#define USTRUCT(...)
#define UPROPERTY(...)
#define UFUNCTION(...)
#define GENERATED_BODY() UNREAL_SUPER
// What a class's Super is; GENERATED_BODY cannot know here.
#define UNREAL_SUPER
#define DARTMOTION_API
#define DARTMOTIONEDITOR_API
#define UE_VERSION_OLDER_THAN(Major, Minor, Patch) (UNREAL_MINOR < (Minor))

const char* UnrealToUtf8(const TCHAR* Text);
const TCHAR* UnrealFromUtf8(const char* Text);
template <typename... Rest>
void UnrealLog(int Category, const TCHAR* Format, Rest... Arguments);

enum class ESPMode { NotThreadSafe, ThreadSafe };

template <typename T>
std::remove_reference_t<T>&& MoveTemp(T&& Value);

template <typename T>
class TArray {
public:
    TArray();
    TArray(std::initializer_list<T> Items);
    int32 Add(const T& Item);
    int32 Num() const;
    void Reset();
    T& operator[](int32 Index);
    const T& operator[](int32 Index) const;
    bool operator==(const TArray& Other) const;
    bool operator!=(const TArray& Other) const;
    T* begin();
    T* end();
    const T* begin() const;
    const T* end() const;
};

template <typename T>
class TArray64 {
public:
    int64 Num() const;
    T* GetData();
    const T* GetData() const;
    void SetNumUninitialized(int64 Count);
    const T& operator[](int64 Index) const;
};

template <typename T>
class TConstArrayView {
public:
    TConstArrayView(const TArray<T>& Array);
    const T* begin() const;
    const T* end() const;
    const T& operator[](int32 Index) const;
};

template <typename K, typename V>
class TMap {
public:
    const V* Find(const K& Key) const;
    int32 Num() const;
};

class FString {
public:
    FString();
    FString(const TCHAR* Text);
    const TCHAR* operator*() const;
    bool IsEmpty() const;
    bool operator==(const TCHAR* Other) const;
    template <typename... Rest>
    static FString Printf(const TCHAR* Format, Rest... Arguments);
};

class FName {
public:
    FString ToString() const;
};

class FText {};
extern const FName NAME_Gzip;

template <typename T>
class TUniquePtr {
public:
    TUniquePtr(std::nullptr_t);
    TUniquePtr(TUniquePtr&&);
    bool IsValid() const;
    T* operator->() const;
    T* Release();
};

template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr {
public:
    TSharedPtr();
    TSharedPtr(std::nullptr_t);
    bool IsValid() const;
    void Reset();
    T* operator->() const;
    bool operator!=(const TSharedPtr& Other) const;
    template <typename Other>
    TSharedPtr& operator=(const Other& Value);
    TSharedPtr(const TSharedPtr&) = default;
    TSharedPtr& operator=(const TSharedPtr&) = default;
};

template <typename T, ESPMode Mode>
class TSharedRef {
public:
    T* operator->() const;
};

template <typename T, ESPMode Mode>
class TSharedFromThis {
public:
    TSharedRef<T, Mode> AsShared();
};

template <typename T>
TSharedPtr<T> MakeShareable(T* Raw);
template <typename T, ESPMode Mode>
TSharedPtr<T, Mode> MakeShared();

template <typename T>
class TWeakInterfacePtr {
public:
    bool IsValid() const;
    T* operator->() const;
};

template <typename T>
class TObjectPtr {
public:
    TObjectPtr();
    TObjectPtr(T* Raw);
    T* Get() const;
};

class FCriticalSection {};
class FScopeLock {
public:
    explicit FScopeLock(FCriticalSection* Section);
    ~FScopeLock();
};

struct FMath {
    template <typename T>
    static T Max(T A, T B);
    template <typename T>
    static T Clamp(T Value, T Low, T High);
};

struct FPaths {
    template <typename... Parts>
    static FString Combine(Parts... Given);
    static bool IsRelative(const FString& Path);
    static FString ProjectDir();
};

struct FFileHelper {
    static bool LoadFileToArray(TArray64<uint8>& Out, const TCHAR* Path, uint32 Flags = 0);
};

struct FCompression {
    static bool UncompressMemory(FName Format, void* Out, int32 OutSize, const void* In, int32 InSize);
};

namespace UE::Tasks {
template <typename Body>
int Launch(const TCHAR*, Body&&) {
    return 0;  // a task is of a type without linkage, which has to be defined
}
}

struct FDefaultModuleImpl {};

// Neural Network Engine

class UNNEModelData;

namespace UE::NNE {
class FTensorDesc {
public:
    const FString& GetName() const;
};
class FTensorShape {
public:
    static FTensorShape Make(TConstArrayView<uint32> Sides);
    bool operator==(const FTensorShape& Other) const;
};
struct FTensorBindingCPU {
    void* Data;
    uint64 SizeInBytes;
};
enum class EResultStatus : uint8 { Ok, Fail };
#if UNREAL_MINOR < 4
using FStatus = int;
#else
using FStatus = EResultStatus;
#endif
class IModelInstanceCPU {
public:
    TConstArrayView<FTensorDesc> GetInputTensorDescs() const;
    TConstArrayView<FTensorDesc> GetOutputTensorDescs() const;
    FStatus SetInputTensorShapes(TConstArrayView<FTensorShape> Shapes);
    FStatus RunSync(TConstArrayView<FTensorBindingCPU> Inputs, TConstArrayView<FTensorBindingCPU> Outputs);
};
class IModelCPU {
public:
#if UNREAL_MINOR < 4
    TUniquePtr<IModelInstanceCPU> CreateModelInstance();
#else
    TSharedPtr<IModelInstanceCPU> CreateModelInstanceCPU();
#endif
};
template <typename Runtime>
TWeakInterfacePtr<Runtime> GetRuntime(const FString& Name);
}  // namespace UE::NNE

class INNERuntimeCPU {
public:
#if UNREAL_MINOR < 4
    TUniquePtr<UE::NNE::IModelCPU> CreateModel(TObjectPtr<UNNEModelData> Data);
#else
    TSharedPtr<UE::NNE::IModelCPU> CreateModelCPU(const TObjectPtr<UNNEModelData> Data);
#endif
};

// Actors and animation

struct EEndPlayReason {
    enum Type { Destroyed };
};

class UActorComponent {
public:
    using Super = UActorComponent;
    virtual ~UActorComponent();

protected:
    virtual void BeginPlay();
    virtual void EndPlay(const EEndPlayReason::Type Reason);
};

class AActor {
public:
    template <typename T>
    T* FindComponentByClass() const;
};

class UAnimInstance {
public:
    AActor* GetOwningActor() const;
};

struct FVector {
    double X, Y, Z;
    FVector(double InX, double InY, double InZ);
};
struct FQuat {
    double X, Y, Z, W;
    FQuat(double InX, double InY, double InZ, double InW);
};
class FTransform {
public:
    FQuat GetRotation() const;
    FVector GetTranslation() const;
    void SetRotation(const FQuat& Rotation);
    void SetTranslation(const FVector& Translation);
};

class FReferenceSkeleton {
public:
    int32 GetNum() const;
    FName GetBoneName(int32 Index) const;
    int32 GetParentIndex(int32 Index) const;
    const TArray<FTransform>& GetRefBonePose() const;
};

struct FCompactPoseBoneIndex {};
struct FMeshPoseBoneIndex {
    int32 GetInt() const;
};
class FBoneContainer {
public:
    const FReferenceSkeleton& GetReferenceSkeleton() const;
    FMeshPoseBoneIndex MakeMeshPoseIndex(const FCompactPoseBoneIndex& Index) const;
};
class FCompactPose {
public:
    const FBoneContainer& GetBoneContainer() const;
    TArray<FCompactPoseBoneIndex> ForEachBoneIndex() const;
    FTransform& operator[](const FCompactPoseBoneIndex& Index);
};
class FPoseContext {
public:
    FCompactPose Pose;
    void ResetToRefPose();
};
class FAnimationUpdateContext {
public:
    float GetDeltaTime() const;
};
class FAnimationCacheBonesContext {};
struct FExposedValueHandler {
    void Execute(const FAnimationUpdateContext& Context) const;
};
struct FAnimNode_Base {
    virtual ~FAnimNode_Base();
    virtual bool HasPreUpdate() const;
    virtual void PreUpdate(const UAnimInstance* Instance);
    virtual void CacheBones_AnyThread(const FAnimationCacheBonesContext& Context);
    virtual void Update_AnyThread(const FAnimationUpdateContext& Context);
    virtual void Evaluate_AnyThread(FPoseContext& Output);
    const FExposedValueHandler& GetEvaluateGraphExposedInputs();
};

struct ENodeTitleType {
    enum Type { FullTitle };
};
class UAnimGraphNode_Base {
public:
    virtual ~UAnimGraphNode_Base();
    virtual FText GetNodeTitle(ENodeTitleType::Type TitleType) const;
    virtual FText GetTooltipText() const;
    virtual FString GetNodeCategory() const;
};
