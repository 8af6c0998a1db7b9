using System.CommandLine;
using System.Text.Json;

namespace EmbeddedLlm.Cli;

/// <summary><c>devices</c>: what a model can be computed on here, and which backends cannot be used.</summary>
internal sealed class DevicesCommand(Terminal terminal)
{
    private readonly Option<bool> _json = new("--json") { Description = "Write JSON, sizes in bytes." };
    private readonly Option<string?> _nativeFolder = new("--native-dir") { Description = "The folder that holds llama.cpp's libraries.", HelpName = "FOLDER" };

    public static Command Create(Terminal terminal)
    {
        DevicesCommand devices = new(terminal);
        Command command = new("devices", "List the CPU and the GPUs that models can be computed on, and why a backend that is installed cannot be used.") { devices._json, devices._nativeFolder };
        command.SetAction(devices.Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        RuntimeDescription runtime = EmbeddedRuntime.Describe(result.GetValue(_nativeFolder));
        if (result.GetValue(_json))
        {
            terminal.WriteLine(ToJson(runtime));
            return ExitCode.Success;
        }

        Columns devices = new("Device", "Kind", "Backend", "Memory", "Free", "Description");
        foreach (DeviceInfo device in runtime.Devices)
            devices.Add(device.Name, KindOf(device), device.Backend, MemoryOf(device.TotalMemory), MemoryOf(device.FreeMemory), device.Description);
        devices.WriteTo(terminal);
        foreach (UnusableBackend backend in runtime.UnusableBackends)
            terminal.Note($"warning: {backend}");
        return ExitCode.Success;
    }

    private static string KindOf(DeviceInfo device) => device.Kind switch
    {
        DeviceKind.Cpu => "CPU",
        DeviceKind.Gpu => "GPU",
        DeviceKind.IntegratedGpu => "integrated GPU",
        _ => "accelerator",
    };

    private static string MemoryOf(long? bytes) => bytes is { } known ? Quantity.OfBytes(known) : "unknown";

    private static string ToJson(RuntimeDescription runtime) => JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("llamaCpp", runtime.Version);
        writer.WriteString("folder", runtime.Folder);
        writer.WriteStartArray("devices");
        foreach (DeviceInfo device in runtime.Devices)
            Write(writer, device);
        writer.WriteEndArray();
        writer.WriteStartArray("unusableBackends");
        foreach (UnusableBackend backend in runtime.UnusableBackends)
            Write(writer, backend);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, DeviceInfo device)
    {
        writer.WriteStartObject();
        writer.WriteString("name", device.Name);
        writer.WriteString("description", device.Description);
        writer.WriteString("kind", device.Kind.ToString());
        writer.WriteString("backend", device.Backend);
        WriteNumber(writer, "freeMemory", device.FreeMemory);
        WriteNumber(writer, "totalMemory", device.TotalMemory);
        writer.WriteString("id", device.Id);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, UnusableBackend backend)
    {
        writer.WriteStartObject();
        writer.WriteString("backend", backend.Backend);
        writer.WriteString("path", backend.Path);
        writer.WriteString("reason", backend.Reason);
        writer.WriteString("advice", backend.Advice);
        writer.WriteStartArray("missingLibraries");
        foreach (string library in backend.MissingLibraries)
            writer.WriteStringValue(library);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is { } known)
            writer.WriteNumber(name, known);
        else
            writer.WriteNull(name);
    }
}
