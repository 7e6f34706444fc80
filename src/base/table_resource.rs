//! How the resources of a run lie in memory.
//!
//! `derive(Resource)` keeps a resource in a sparse set, and Bevy 0.19 makes room for 64 values in each of those: the
//! resources of one World took half a megabyte, of which one value in 64 was used. A table starts with four rows.
//! Since a process holds many Worlds at once, the resources of a run say [`table_resource!`] in place of the derive.

/// Makes a type a resource whose value lies in a table.
macro_rules! table_resource {
    ($resource:ty) => {
        impl bevy::ecs::component::Component for $resource {
            const STORAGE_TYPE: bevy::ecs::component::StorageType = bevy::ecs::component::StorageType::Table;
            type Mutability = bevy::ecs::component::Mutable;

            fn register_required_components(
                id: bevy::ecs::component::ComponentId,
                required: &mut bevy::ecs::component::RequiredComponentsRegistrator,
            ) {
                required.register_required(move || bevy::ecs::resource::IsResource::new(id));
            }
        }

        impl bevy::ecs::resource::Resource for $resource {}
    };
}

pub(crate) use table_resource;
