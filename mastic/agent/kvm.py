"""/dev/kvm → whether a small virtual machine really runs on it.

That the device exists, or that one can be created, says little: some hosts offer KVM without hardware virtualisation
under it and interpret a guest one instruction after the other (seen on 6.18 with kvm_pvm: 0.6 µs per instruction, and
a guest's change to user mode kills it). Ordinary kernels do not boot on those. So the probe lets a 64-bit guest
count: hardware does it in 1 ms, an interpreter needs 1000 times that and runs into the child's limit.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import signal
import struct
from collections.abc import Callable

DEVICE = "/dev/kvm"
COUNT = 1_000_000
CPU_SECONDS = 0.06
CREATE_VM, GET_VCPU_MMAP_SIZE, CREATE_VCPU, RUN = 0xAE01, 0xAE04, 0xAE41, 0xAE80
SET_TSS_ADDRESS, SET_MEMORY = 0xAE47, 0x4020AE46
GET_SREGS, SET_SREGS, SET_REGS = 0x8138AE83, 0x4138AE84, 0x4090AE82
EXIT_IO, EXIT_HLT = 2, 5
MEMORY = 0x200000
CODE, PML4, PDPT, DIRECTORY, GDT = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000
SEGMENTS = (0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF)
PROGRAM = (
    b"\xb9" + struct.pack("<I", COUNT)  # mov ecx, COUNT
    + b"\xff\xc9\x75\xfc"  # again: dec ecx; jnz again
    + b"\x66\xba\xf8\x03\xb0\x41\xee"  # mov dx, 0x3f8; mov al, 'A'; out dx, al
    + b"\xf4"  # hlt
)  # fmt: skip


def start_probe(device: str = DEVICE) -> Callable[[], str]:
    """Let the probe run in a child process (fork: call it before any thread starts); the answer comes from the result.

    The child may use 0.06 s of processor time, so the probe is cheap even where it fails.
    """
    if not os.path.exists(device):  # noqa: PTH110 - a device, and no Path import for one question
        return lambda: "absent"
    child = os.fork()
    if child == 0:
        run_child(device)
    return lambda: "boots" if os.waitpid(child, 0)[1] == 0 else "fails"


def run_child(device: str) -> None:
    """Never returns: exit status 0 means that the guest ran."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 2.0)
    status = 1
    with contextlib.suppress(OSError, ValueError):
        status = 0 if guest_runs(device) else 1
    os._exit(status)


def guest_runs(device: str) -> bool:
    """True when the guest counted, wrote its letter to the port and halted. Raises OSError where KVM refuses."""
    kvm = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    machine = fcntl.ioctl(kvm, CREATE_VM, 0)
    with contextlib.suppress(OSError):  # only Intel processors want it
        fcntl.ioctl(machine, SET_TSS_ADDRESS, 0xFFFBD000 - (1 << 32))
    memory = guest_memory()
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(machine, SET_MEMORY, struct.pack("<IIQQQ", 0, 0, 0, MEMORY, address))
    processor = fcntl.ioctl(machine, CREATE_VCPU, 0)
    shared = mmap.mmap(processor, fcntl.ioctl(kvm, GET_VCPU_MMAP_SIZE, 0))
    set_registers(processor)
    return [run(processor, shared), run(processor, shared)] == [EXIT_IO, EXIT_HLT]


def run(processor: int, shared: mmap.mmap) -> int:
    """Let the guest run until it needs its host; returns why it stopped."""
    fcntl.ioctl(processor, RUN, 0)
    return int(struct.unpack_from("<I", shared, 8)[0])


def guest_memory() -> mmap.mmap:
    """2 MiB: the program, a page table that maps it to itself, and a descriptor table."""
    memory = mmap.mmap(-1, MEMORY)
    memory[CODE : CODE + len(PROGRAM)] = PROGRAM
    struct.pack_into("<Q", memory, PML4, PDPT | 3)
    struct.pack_into("<Q", memory, PDPT, DIRECTORY | 3)
    struct.pack_into("<Q", memory, DIRECTORY, 0x83)
    struct.pack_into("<3Q", memory, GDT, *SEGMENTS)
    return memory


def set_registers(processor: int) -> None:
    """64-bit mode with paging, at the first instruction of the program (layout: struct kvm_sregs, kvm_regs)."""
    special = bytearray(312)
    fcntl.ioctl(processor, GET_SREGS, special, True)
    segment(special, 0, selector=8, kind=11, long_mode=1)
    for number in range(1, 6):
        segment(special, number, selector=16, kind=3, long_mode=0)
    struct.pack_into("<QH", special, 192, GDT, 23)
    struct.pack_into("<6Q", special, 224, 0x80000001, 0, PML4, 0x20, 0, 0x500)  # cr0 cr2 cr3 cr4 cr8 efer
    fcntl.ioctl(processor, SET_SREGS, bytes(special))
    general = bytearray(144)
    struct.pack_into("<QQ", general, 128, CODE, 2)  # rip rflags
    fcntl.ioctl(processor, SET_REGS, bytes(general))


def segment(special: bytearray, number: int, selector: int, kind: int, long_mode: int) -> None:
    """One struct kvm_segment: base limit selector, then type present dpl db s l g avl."""
    values = (0, 0xFFFFFFFF, selector, kind, 1, 0, 1 - long_mode, 1, long_mode, 1, 0)
    struct.pack_into("<QIH8B", special, 24 * number, *values)
