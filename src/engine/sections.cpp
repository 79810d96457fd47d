/* sections.cpp: see sections.h. C++, for LLVM's C API can replace no memory manager before version 16.
 *
 * LLVM's own manager does the work; only where its pages come from is ours: from a block that is mapped once the linker has said how much all
 * sections of an object take.
 */
#include "engine/sections.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/RTDyldObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/SectionMemoryManager.h>
#include <llvm/Support/Memory.h>
#include <llvm/Support/Process.h>

#include <sys/mman.h>

using namespace llvm;

namespace
{

/* Hands out pages of one block; what is left of it goes back in trim. */
class Block final : public SectionMemoryManager::MemoryMapper
{
    char *at = nullptr, *end = nullptr;

  public:
    void reserve(size_t size)
    {
        trim();
        void *start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED)
            return;
        at = static_cast<char *>(start);
        end = at + size;
    }

    void trim()
    {
        if (at != end)
            munmap(at, static_cast<size_t>(end - at));
        at = end = nullptr;
    }

    sys::MemoryBlock allocateMappedMemory(SectionMemoryManager::AllocationPurpose, size_t size,
                                          const sys::MemoryBlock *near, unsigned flags, std::error_code &error) override
    {
        size_t page = sys::Process::getPageSizeEstimate();
        size = (size + page - 1) & ~(page - 1);
        if (size > static_cast<size_t>(end - at)) /* out of memory, most likely */
            return sys::Memory::allocateMappedMemory(size, near, flags, error);
        char *start = at;
        at += size;
        error = std::error_code();
        return sys::MemoryBlock(start, size);
    }

    std::error_code protectMappedMemory(const sys::MemoryBlock &block, unsigned flags) override
    {
        return sys::Memory::protectMappedMemory(block, flags);
    }

    std::error_code releaseMappedMemory(sys::MemoryBlock &block) override
    {
        if (block.base() && munmap(block.base(), block.allocatedSize()))
            return std::error_code(errno, std::generic_category());
        block = sys::MemoryBlock();
        return std::error_code();
    }

    ~Block() override
    {
        trim();
    }
};

/* A base that comes before the manager, which uses the block to its end. */
struct HasBlock {
    Block block;
};

class Sections final : HasBlock, public SectionMemoryManager
{
  public:
    Sections() : SectionMemoryManager(&block)
    {
    }

    bool needsToReserveAllocationSpace() override
    {
        return true;
    }

    /* The manager begins each kind on a page, and maps what does not fit behind the section before it with room for its alignment. An object of a JIT has
     * some ten sections. */
    void reserveAllocationSpace(uintptr_t code, uint32_t code_align, uintptr_t constants, uint32_t constants_align,
                                uintptr_t data, uint32_t data_align) override
    {
        enum { SECTIONS = 64 };
        size_t page = sys::Process::getPageSizeEstimate();
        size_t size = code + constants + data + SECTIONS * (size_t{code_align} + constants_align + data_align);
        block.reserve(((size + page - 1) & ~(page - 1)) + SECTIONS * page);
    }

    bool finalizeMemory(std::string *error) override
    {
        block.trim();
        return SectionMemoryManager::finalizeMemory(error);
    }
};

std::unique_ptr<orc::ObjectLayer> make_layer(orc::ExecutionSession &session)
{
    return std::make_unique<orc::RTDyldObjectLinkingLayer>(session, [] { return std::make_unique<Sections>(); });
}

} // namespace

LLVMOrcObjectLayerRef cj__sections_layer(void *, LLVMOrcExecutionSessionRef session, const char *)
{
    return reinterpret_cast<LLVMOrcObjectLayerRef>(
        make_layer(*reinterpret_cast<orc::ExecutionSession *>(session)).release());
}

void cj__sections_of_lazy(void *lazy_builder)
{
    static_cast<orc::LLLazyJITBuilder *>(lazy_builder)
        ->setObjectLinkingLayerCreator(
            [](orc::ExecutionSession &session, const Triple &) -> Expected<std::unique_ptr<orc::ObjectLayer>> {
                return make_layer(session);
            });
}
