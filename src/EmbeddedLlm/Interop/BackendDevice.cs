using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>A device that a loaded backend offers: the CPU, a GPU, an accelerator. The handle is valid as long as the process.</summary>
/// <param name="Handle">For <see cref="llama_model_params.devices"/>.</param>
/// <param name="Name">As llama.cpp names it: <c>CPU</c>, <c>CUDA0</c>, <c>Vulkan1</c>.</param>
/// <param name="Description">The product's name.</param>
/// <param name="Backend">The backend that offers it.</param>
/// <param name="Type">What kind of device.</param>
/// <param name="MemoryFree">Bytes, when it was listed; 0 where unknown.</param>
/// <param name="MemoryTotal">Bytes; 0 where unknown.</param>
internal sealed unsafe record BackendDevice(
    nint Handle, string Name, string Description, string Backend, ggml_backend_dev_type Type, ulong MemoryFree, ulong MemoryTotal)
{
    public static IReadOnlyList<BackendDevice> List()
    {
        var devices = new BackendDevice[checked((int)NativeMethods.ggml_backend_dev_count())];
        for (int i = 0; i < devices.Length; i++)
            devices[i] = Read(NativeMethods.ggml_backend_dev_get((nuint)i));
        return devices;
    }

    private static BackendDevice Read(ggml_backend_device* device)
    {
        NativeMethods.ggml_backend_dev_memory(device, out nuint free, out nuint total);
        return new BackendDevice(
            (nint)device,
            ReadString(NativeMethods.ggml_backend_dev_name(device)),
            ReadString(NativeMethods.ggml_backend_dev_description(device)),
            ReadString(NativeMethods.ggml_backend_reg_name(NativeMethods.ggml_backend_dev_backend_reg(device))),
            NativeMethods.ggml_backend_dev_type(device),
            free,
            total);
    }

    private static string ReadString(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
