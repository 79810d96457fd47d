/* sections.cpp: see sections.h. C++, for LLVM's C API can replace no memory manager before version 16.
 *
 * LLVM's own manager does the work; only where its pages come from is ours: from a block that is mapped once the linker has said how much all
 * sections of an object take.
 */
#include "exec/llvm/sections.h"

#include <llvm/ExecutionEngine/Orc/RTDyldObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/SectionMemoryManager.h>
#include <llvm/Support/Memory.h>
#include <llvm/Support/Process.h>

#include <sys/mman.h>

using namespace llvm;

namespace
{

#if LLVM_VERSION_MAJOR >= 16
using Alignment = Align;

size_t bytes(Alignment align)
{
    return align.value();
}
#else
using Alignment = uint32_t;

size_t bytes(Alignment align)
{
    return align;
}
#endif

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

    /* No page from elsewhere, were the block too small: then LLVM ends the process, as it does whenever it is out of memory. */
    sys::MemoryBlock allocateMappedMemory(SectionMemoryManager::AllocationPurpose, size_t size,
                                          const sys::MemoryBlock *, unsigned, std::error_code &error) override
    {
        size_t page = sys::Process::getPageSizeEstimate();
        size = (size + page - 1) & ~(page - 1);
        error = std::error_code();
        if (size > static_cast<size_t>(end - at)) {
            error = std::make_error_code(std::errc::not_enough_memory);
            return sys::MemoryBlock();
        }
        char *start = at;
        at += size;
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
    void reserveAllocationSpace(uintptr_t code, Alignment code_align, uintptr_t constants, Alignment constants_align,
                                uintptr_t data, Alignment data_align) override
    {
        enum { SECTIONS = 64 };
        size_t page = sys::Process::getPageSizeEstimate();
        size_t align = bytes(code_align) + bytes(constants_align) + bytes(data_align);
        size_t size = code + constants + data + SECTIONS * align;
        block.reserve(((size + page - 1) & ~(page - 1)) + SECTIONS * page);
    }

    bool finalizeMemory(std::string *error) override
    {
        block.trim();
        return SectionMemoryManager::finalizeMemory(error);
    }
};

} // namespace

LLVMOrcObjectLayerRef cj__sections_layer(void *, LLVMOrcExecutionSessionRef session, const char *)
{
    auto *layer = new orc::RTDyldObjectLinkingLayer(*reinterpret_cast<orc::ExecutionSession *>(session),
                                                    [] { return std::make_unique<Sections>(); });
    return reinterpret_cast<LLVMOrcObjectLayerRef>(static_cast<orc::ObjectLayer *>(layer));
}
