using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>The CPU backend's buffers for weights in an order that its kernels like better than the file's.</summary>
internal static unsafe class CpuBuffers
{
    /// <summary>Their names, such as <c>AMX</c> and <c>CPU_REPACK</c>; none where there is no CPU backend.</summary>
    public static IReadOnlyList<string> ListExtra()
    {
        ggml_backend_device* cpu = NativeMethods.ggml_backend_dev_by_type(ggml_backend_dev_type.CPU);
        if (cpu is null)
            return [];
        var list = (delegate* unmanaged[Cdecl]<ggml_backend_device*, nint*>)NativeMethods.ggml_backend_reg_get_proc_address(
            NativeMethods.ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts");
        List<string> names = [];
        for (nint* type = list is null ? null : list(cpu); type is not null && *type != 0; type++)
            names.Add(Marshal.PtrToStringUTF8((nint)NativeMethods.ggml_backend_buft_name(*type)) ?? "");
        return names;
    }
}
