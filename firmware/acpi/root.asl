// What every ACPI machine has besides its devices: inserted at the root of the DSDT.
DefinitionBlock ("", "SSDT", 2, "BPLANE", "ROOT", 1)
{
    // Which interrupt controllers the guest uses: 0 the two 8259, 1 the I/O APIC (ACPI 6.5, 5.8.1).
    Name (PICM, 0)
    Method (_PIC, 1, NotSerialized)
    {
        PICM = Arg0
    }

    Scope (_SB)
    {
        // Platform-wide capabilities (ACPI 6.5, 6.2.12.2): the guest says what it can do, and gets
        // back what the machine has use for. That is none: nothing here sends the notifications, or
        // takes the hand-over, that the capabilities are about.
        Method (_OSC, 4, Serialized)
        {
            CreateDWordField (Arg3, 0, STS0)
            If ((Arg0 != ToUUID ("0811b06e-4a27-44f9-8d60-3cbbc22e7b48")))
            {
                STS0 |= 4 // unknown UUID
                Return (Arg3)
            }
            If ((Arg1 != One))
            {
                STS0 |= 8 // unknown revision
                Return (Arg3)
            }
            If ((Arg2 >= 2))
            {
                CreateDWordField (Arg3, 4, CAP0)
                If ((CAP0 != Zero))
                {
                    STS0 |= 0x10 // some capabilities are masked
                    CAP0 = Zero
                }
            }
            Return (Arg3)
        }
    }
}
