// A QEMU plugin: counts the instructions of an emulated x86-64 process by the chain of calls that led to them.
//
//   qemu-x86_64 -plugin call-tree.so,control=PATH,out=PATH PROGRAM
//
// The user writes one byte to the control file: 'r' starts to record, 'w' writes the tree and stops. Once the tree is written the byte is
// 'd'. A line of the tree is a node: its number, the number of its caller, the address that was called, and the instructions counted there.
// Each thread has a tree of its own, with number 0 as its caller.
//
// A shadow stack records which function called which. It compares the stack pointers at which calls store and returns load the return
// address. So it stays right if a program leaves several frames at once, as V8 does for exceptions and for deoptimised code. A jump to a
// computed address counts as leaving one function for another, because V8 calls functions that way.
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Declarations of QEMU's plugin interface, version 1. Its header is not always packaged.
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t access);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*callback)(unsigned vcpu, void *data),
                                          enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, void (*callback)(unsigned vcpu, qemu_plugin_meminfo_t, uint64_t address, void *data),
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw access, void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

enum { max_threads = 64, max_depth = 4096, slot_bits = 20 };
enum transfer { none, call, jump, ret };

struct block {
  uint64_t address;
  uint64_t length;
  enum transfer end;
};

struct node {
  uint64_t address;
  uint64_t instructions;
  uint32_t number;
  struct node *caller;
  // The next node in the same slot of the table.
  struct node *next;
};

struct frame {
  // The address at which the return address is stored.
  uint64_t stack_pointer;
  struct node *node;
};

struct thread {
  struct node root;
  // All other nodes, by caller and address.
  struct node *slots[1 << slot_bits];
  struct frame frames[max_depth];
  int depth;
  // How the last block ended, and where it stored its return address if it ended with a call.
  enum transfer pending;
  uint64_t stack_pointer;
};

static struct thread *threads[max_threads];
static uint32_t nodes;
static volatile char *control;
static char out[4096];

static struct thread *thread_of(unsigned vcpu) {
  vcpu %= max_threads;
  if (threads[vcpu] == NULL) {
    threads[vcpu] = calloc(1, sizeof(struct thread));
    threads[vcpu]->root.number = ++nodes;
  }
  return threads[vcpu];
}

static struct node **slot_of(struct thread *thread, const struct node *caller, uint64_t address) {
  uint64_t hash = ((uintptr_t)caller >> 4 ^ address * 0x9e3779b97f4a7c15) * 0x9e3779b97f4a7c15;
  return &thread->slots[hash >> (64 - slot_bits)];
}

static struct node *callee_of(struct thread *thread, struct node *caller, uint64_t address) {
  struct node **slot = slot_of(thread, caller, address);
  for (struct node *node = *slot; node != NULL; node = node->next)
    if (node->caller == caller && node->address == address) return node;
  struct node *node = calloc(1, sizeof *node);
  *node = (struct node){.address = address, .number = ++nodes, .caller = caller, .next = *slot};
  return *slot = node;
}

static struct node *top_of(struct thread *thread) {
  return thread->depth == 0 ? &thread->root : thread->frames[thread->depth - 1].node;
}

// Leaves all frames whose return address is stored at this stack pointer or below it.
static void leave(struct thread *thread, uint64_t stack_pointer) {
  while (thread->depth > 0 && thread->frames[thread->depth - 1].stack_pointer <= stack_pointer) thread->depth--;
}

static void enter(struct thread *thread, uint64_t address) {
  if (thread->depth == max_depth) return;
  struct node *node = callee_of(thread, top_of(thread), address);
  thread->frames[thread->depth++] = (struct frame){thread->stack_pointer, node};
}

static void write_node(FILE *file, const struct node *node) {
  fprintf(file, "%u %u %llx %llu\n", node->number, node->caller->number, (unsigned long long)node->address,
          (unsigned long long)node->instructions);
}

static void write_tree(void) {
  FILE *file = fopen(out, "w");
  if (file == NULL) return;
  for (int i = 0; i < max_threads; i++) {
    if (threads[i] == NULL) continue;
    fprintf(file, "%u 0 0 %llu\n", threads[i]->root.number, (unsigned long long)threads[i]->root.instructions);
    for (size_t slot = 0; slot < (size_t)1 << slot_bits; slot++)
      for (const struct node *node = threads[i]->slots[slot]; node != NULL; node = node->next) write_node(file, node);
  }
  fclose(file);
}

static void on_block(unsigned vcpu, void *data) {
  if (*control == 'w') {
    *control = 's';
    write_tree();
    *control = 'd';
  }
  if (*control != 'r') return;
  const struct block *block = data;
  struct thread *thread = thread_of(vcpu);
  if (thread->pending == call) enter(thread, block->address);
  else if (thread->pending == jump && thread->depth > 0) {
    struct frame *frame = &thread->frames[thread->depth - 1];
    frame->node = callee_of(thread, frame->node->caller, block->address);
  }
  thread->pending = block->end == jump ? jump : none;
  top_of(thread)->instructions += block->length;
}

static void on_call(unsigned vcpu, qemu_plugin_meminfo_t access, uint64_t address, void *data) {
  (void)data;
  // A call by a pointer in memory also loads that pointer.
  if (*control != 'r' || !qemu_plugin_mem_is_store(access)) return;
  struct thread *thread = thread_of(vcpu);
  leave(thread, address);
  thread->pending = call;
  thread->stack_pointer = address;
}

static void on_return(unsigned vcpu, qemu_plugin_meminfo_t access, uint64_t address, void *data) {
  (void)access, (void)data;
  if (*control == 'r') leave(thread_of(vcpu), address);
}

// Tells by its bytes whether an instruction calls, jumps to a computed address, or returns.
static enum transfer transfer_of(const uint8_t *bytes, size_t size) {
  size_t i = 0;
  while (i < size && (bytes[i] == 0xf2 || bytes[i] == 0xf3 || bytes[i] == 0x66 || bytes[i] == 0x3e || (bytes[i] & 0xf0) == 0x40)) i++;
  if (i == size) return none;
  if (bytes[i] == 0xe8) return call;
  if (bytes[i] == 0xc3 || bytes[i] == 0xc2) return ret;
  if (bytes[i] != 0xff || i + 1 == size) return none;
  switch (bytes[i + 1] >> 3 & 7) {
    case 2: return call;
    case 4: return jump;
    default: return none;
  }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *translated) {
  (void)id;
  size_t length = qemu_plugin_tb_n_insns(translated);
  struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(translated, length - 1);
  struct block *block = malloc(sizeof *block);
  *block = (struct block){qemu_plugin_tb_vaddr(translated), length, transfer_of(qemu_plugin_insn_data(last), qemu_plugin_insn_size(last))};
  qemu_plugin_register_vcpu_tb_exec_cb(translated, on_block, QEMU_PLUGIN_CB_NO_REGS, block);
  if (block->end == call) qemu_plugin_register_vcpu_mem_cb(last, on_call, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
  if (block->end == ret) qemu_plugin_register_vcpu_mem_cb(last, on_return, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "out=", 4) == 0) strncpy(out, argv[i] + 4, sizeof out - 1);
    if (strncmp(argv[i], "control=", 8) != 0) continue;
    int file = open(argv[i] + 8, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, 1) != 0) return -1;
    control = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (control == NULL || control == MAP_FAILED || *out == '\0') return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
