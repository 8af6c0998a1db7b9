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
/// <param name="Id">What tells the same card apart that two backends offer, such as its place on the PCI bus; null where unknown.</param>
internal sealed unsafe record BackendDevice(
    nint Handle, string Name, string Description, string Backend, ggml_backend_dev_type Type, ulong MemoryFree, ulong MemoryTotal, string? Id = null)
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
        ggml_backend_dev_props properties = default;
        NativeMethods.ggml_backend_dev_get_props(device, &properties);
        return new BackendDevice(
            (nint)device,
            ReadString(properties.name),
            ReadString(properties.description),
            ReadString(NativeMethods.ggml_backend_reg_name(NativeMethods.ggml_backend_dev_backend_reg(device))),
            properties.type,
            properties.memory_free,
            properties.memory_total,
            Marshal.PtrToStringUTF8((nint)properties.device_id));
    }

    private static string ReadString(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
