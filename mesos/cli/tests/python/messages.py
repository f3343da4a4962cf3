"""The protobuf classes of Mesos, made at run time from what `mesos api descriptors` prints."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Messages:
    """Finds classes by the full names of their messages."""

    def __init__(self, path):
        """Reads a FileDescriptorSet from a file."""
        with open(path, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)

    def __getitem__(self, name):
        """The class of the message with this full name."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def enum_name(self, name, number):
        """The name of a value of the enum with this full name."""
        return self.pool.FindEnumTypeByName(name).values_by_number[number].name
