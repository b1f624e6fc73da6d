// The methods of QEMU's docs/specs/pvpanic.rst, inserted into the scope of the pvpanic device.
DefinitionBlock ("", "SSDT", 2, "BPLANE", "PVPANIC", 1)
{
    External (RG0B, IntObj) // the register in memory
    External (RG1B, IntObj) // the port
    External (RG1S, IntObj) // 0: there is no port

    // Which events can be told.
    Method (RDPT, 0, Serialized)
    {
        If ((RG1S != Zero))
        {
            OperationRegion (PTIO, SystemIO, RG1B, One)
            Field (PTIO, ByteAcc, NoLock, Preserve)
            {
                PTPT, 8
            }
            Return (PTPT)
        }
        OperationRegion (PTMM, SystemMemory, RG0B, One)
        Field (PTMM, ByteAcc, NoLock, Preserve)
        {
            PTRG, 8
        }
        Return (PTRG)
    }

    // Tells one.
    Method (WRPT, 1, Serialized)
    {
        If ((RG1S != Zero))
        {
            OperationRegion (PTIO, SystemIO, RG1B, One)
            Field (PTIO, ByteAcc, NoLock, WriteAsZeros)
            {
                PTPT, 8
            }
            PTPT = Arg0
        }
        Else
        {
            OperationRegion (PTMM, SystemMemory, RG0B, One)
            Field (PTMM, ByteAcc, NoLock, WriteAsZeros)
            {
                PTRG, 8
            }
            PTRG = Arg0
        }
    }
}
