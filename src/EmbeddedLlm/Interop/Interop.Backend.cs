using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial byte* llama_version();

    [LibraryImport(Llama)]
    public static partial void llama_backend_init();

    [LibraryImport(Llama)]
    public static partial byte* llama_print_system_info();

    /// <summary>Opens one backend's file and registers its devices. Null where it cannot be used; the log has the reason.</summary>
    [LibraryImport(Ggml, StringMarshalling = StringMarshalling.Utf8)]
    public static partial ggml_backend_reg* ggml_backend_load(string path);

    /// <summary>Registers the devices of a backend that its own file has made.</summary>
    [LibraryImport(Ggml)]
    public static partial void ggml_backend_register(ggml_backend_reg* reg);

    [LibraryImport(Ggml)]
    public static partial nuint ggml_backend_dev_count();

    [LibraryImport(Ggml)]
    public static partial ggml_backend_device* ggml_backend_dev_get(nuint index);

    /// <summary>Null where there is none of that type.</summary>
    [LibraryImport(Ggml)]
    public static partial ggml_backend_device* ggml_backend_dev_by_type(ggml_backend_dev_type type);

    [LibraryImport(GgmlBase)]
    public static partial ggml_backend_dev_type ggml_backend_dev_type(ggml_backend_device* device);

    /// <summary>Asks the device for its memory too.</summary>
    [LibraryImport(GgmlBase)]
    public static partial void ggml_backend_dev_get_props(ggml_backend_device* device, ggml_backend_dev_props* props);

    [LibraryImport(GgmlBase)]
    public static partial ggml_backend_reg* ggml_backend_dev_backend_reg(ggml_backend_device* device);

    [LibraryImport(GgmlBase)]
    public static partial byte* ggml_backend_reg_name(ggml_backend_reg* reg);

    [LibraryImport(GgmlBase)]
    public static partial byte* ggml_backend_buft_name(nint buft);

    [LibraryImport(GgmlBase)]
    public static partial nuint ggml_backend_reg_dev_count(ggml_backend_reg* reg);

    /// <summary>A function that only the backend's own file has; null where it has none of that name.</summary>
    [LibraryImport(GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void* ggml_backend_reg_get_proc_address(ggml_backend_reg* reg, string name);
}
